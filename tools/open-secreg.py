#!/usr/bin/env python3
"""Open an export or a backup of secreg without secreg: written from docs/formats.md alone.

Needs Python 3.8 or later and the package `cryptography`. Nothing secret is taken from the command line: the passphrase is
asked for on a terminal, or read from standard input (first line), as the shares are (one a line). What has expired
since is shown as it was.

Ends with 0, or says why not on standard error and ends with: 1 wrong use, 2 wrong passphrase, key file or shares,
3 too few shares, 4 a share that is mistyped or foreign, 5 damaged, 6 cut short or continued, 7 newer or unknown format.
"""
import argparse, base64, getpass, hashlib, hmac, json, re, struct, sys, unicodedata
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK, LINE_MAX = 65536, 1 << 20
PREFIX = b'{"format":"secreg-backup",'


class Fault(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def wrong(): return Fault(2, 'the passphrase, key file or shares do not fit')
def damaged(what): return Fault(5, f'damaged: {what}')


# --- Conventions -----------------------------------------------------------------------------------------------------

def sha256(data): return hashlib.sha256(data).digest()
def hmac256(key, data): return hmac.new(key, data, hashlib.sha256).digest()
def equal(a, b): return hmac.compare_digest(a, b)


def hkdf(ikm, salt, info, length):
    key, block, out = hmac256(salt or bytes(32), ikm), b'', b''
    for number in range(1, -(-length // 32) + 1):
        block = hmac256(key, block + info + bytes([number]))
        out += block
    return out[:length]


def hchacha20(key, nonce):
    x = list(struct.unpack('<16I', b'expand 32-byte k' + key + nonce))

    def quarter(a, b, c, d):
        for into, by, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[into] = (x[into] + x[by]) & 0xffffffff
            mixed = x[turned] ^ x[into]
            x[turned] = (mixed << bits | mixed >> (32 - bits)) & 0xffffffff

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack('<8I', *x[:4], *x[12:])


def open_aead(key, nonce, aad, sealed):
    """XChaCha20-Poly1305; None if it does not open."""
    try:
        return ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], sealed, aad)
    except InvalidTag:
        return None


def fields(*values):
    out = b''
    for value in values:
        if isinstance(value, bytes): kind, content = b'b', value
        elif isinstance(value, str): kind, content = b's', value.encode()
        else: kind, content = b'n', str(value).encode()
        out += kind + struct.pack('>I', len(content)) + content
    return out


def unbase64(text, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        raise damaged('base64')
    if base64.b64encode(data).decode() != text or length not in (None, len(data)):
        raise damaged('base64')
    return data


def members(value, *names):
    if not isinstance(value, dict) or set(value) != set(names):
        raise damaged('members')
    return value


def integer(value, least, most):
    if type(value) is not int or not least <= value <= most:
        raise damaged('a number')
    return value


def scrypt(passphrase, kdf):
    N, r, p = kdf['N'], kdf['r'], kdf['p']
    return hashlib.scrypt(passphrase, salt=unbase64(kdf['salt'], 32), n=N, r=r, p=p, dklen=32, maxmem=128 * r * (N + p + 2))


def check_scrypt(kdf):
    N, r, p = (integer(kdf[name], 1, 2**53) for name in 'Nrp')
    if N & (N - 1): raise damaged('scrypt')
    if N < 2**15 or r < 8: raise Fault(5, 'the key derivation is weaker than the floor')
    if N > 2**20 or r > 32 or p > 16 or 128 * N * r > 2**30 or 128 * N * r * p > 2**32:
        raise Fault(5, 'the key derivation exceeds the ceiling')


# --- Committed box ---------------------------------------------------------------------------------------------------

def check_box(context, box):
    commitment, nonce, sealed, checksum = box
    if not equal(checksum, sha256(fields('secreg/v1/checksum', context, commitment, nonce, sha256(sealed)))):
        raise damaged('checksum')


def open_box(secret, context, box):
    """None if the secret is another one."""
    commitment, nonce, sealed, _ = box
    keys = hkdf(secret, b'', b'secreg/v1/committed', 64)
    if not equal(commitment, hmac256(keys[32:], fields('secreg/v1/commitment', context))): return None
    plaintext = open_aead(keys[:32], nonce, fields(context, commitment), sealed)
    if plaintext is None: raise damaged('tag')
    return plaintext


def box_of(value, sealed):
    return tuple(unbase64(value[name], size) for name, size in
                 (('commitment', 32), ('nonce', 24), (sealed, None), ('checksum', 32)))


# --- Exports ---------------------------------------------------------------------------------------------------------

def open_passphrase_document(document, passphrase):
    if document.get('version') != 1: raise Fault(7, 'the version of the export is unknown')
    members(document, 'format', 'version', 'kdf', 'cipher', 'commitment', 'nonce', 'data', 'checksum')
    kdf = members(document['kdf'], 'name', 'N', 'r', 'p', 'salt')
    if document['cipher'] != 'xchacha20-poly1305' or kdf['name'] != 'scrypt': raise damaged('cipher')
    check_scrypt(kdf)
    context = fields('secreg/v1/passphrase-box', document['format'], 1, 'scrypt', kdf['N'], kdf['r'], kdf['p'],
                     kdf['salt'], document['cipher'])
    box = box_of(document, 'data')
    check_box(context, box)
    plaintext = open_box(scrypt(passphrase(), kdf), context, box)
    if plaintext is None: raise wrong()
    return plaintext


def read_export(document):
    if document.get('version') != 1: raise Fault(7, 'the version of the export is unknown')
    members(document, 'format', 'version', 'created', 'entries', 'acls', 'sha256')
    if sha256(compact(document['entries'])).hex() != document['sha256']: raise damaged('checksum of the entries')
    for entry in document['entries']:
        value = base64.b64decode(entry['value']) if entry['type'] == 'bytes' else entry['value'].encode()
        yield shown(entry['key'], entry['type'], entry['version'], entry['encrypted'], value)


def compact(value):
    return json.dumps(value, separators=(',', ':'), ensure_ascii=False).encode()


# --- Shares ----------------------------------------------------------------------------------------------------------

def read_share(text):
    compacted = re.sub(r'[\s-]', '', text).upper()
    try:
        if not compacted.startswith('SRS1') or len(compacted) != 81: raise ValueError
        data = base64.b32decode(compacted[4:] + '===')
    except ValueError:
        raise Fault(4, 'a share is mistyped or incomplete')
    head, checksum = data[:44], data[44:48]
    if (base64.b32encode(data)[:77].decode() != compacted[4:]
            or not equal(checksum, sha256(b'secreg/v1/share' + head)[:4])):
        raise Fault(4, 'a share is mistyped or incomplete')
    return {'set': head[:8].hex(), 'k': head[8], 'n': head[9], 'y': head[11:43], 'x': head[43]}


def times(a, b):
    product = 0
    while b:
        if b & 1: product ^= a
        a = a << 1 ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return product


def combine(shares):
    secret = bytearray(32)
    for share in shares:
        weight = 1
        for other in shares:
            if other is share: continue
            gap = share['x'] ^ other['x']
            inverse = next(i for i in range(1, 256) if times(gap, i) == 1)
            weight = times(weight, times(other['x'], inverse))
        for at, y in enumerate(share['y']): secret[at] ^= times(y, weight)
    return bytes(secret)


def secret_of_shares(protector, texts):
    shares = [read_share(text) for text in texts]
    shares = [share for at, share in enumerate(shares) if share not in shares[:at]]
    here = (protector['setId'], protector['threshold'], protector['count'])
    if any((share['set'], share['k'], share['n']) != here for share in shares):
        raise Fault(4, 'a share belongs to another set')
    if len(shares) < protector['threshold']:
        raise Fault(3, f'{protector["threshold"]} shares are needed, {len(shares)} are here')
    return combine(shares) if len({share['x'] for share in shares}) == len(shares) else None


# --- Seal ------------------------------------------------------------------------------------------------------------

OWN = {'passphrase': (), 'key-file': (), 'systemd-credential': ('credential',), 'shamir': ('setId', 'threshold', 'count')}


def context_of(protector):
    """Check a protector and give what its tags cover."""
    kind = protector.get('kind')
    if kind not in OWN: raise damaged('protector')
    optional = [name for name in ('label', 'recovery') if name in protector]
    members(protector, 'id', 'kind', 'kdf', 'commitment', 'nonce', 'wrapped', 'checksum', *OWN[kind], *optional)
    derivation = protector['kdf']
    cost = ()
    if kind == 'passphrase':
        members(derivation, 'name', 'N', 'r', 'p', 'salt')
        check_scrypt(derivation)
        cost = (derivation['N'], derivation['r'], derivation['p'])
    else:
        members(derivation, 'name', 'salt')
    unbase64(derivation['salt'], 32)
    if derivation['name'] != ('scrypt' if kind == 'passphrase' else 'hkdf-sha256'): raise damaged('protector')
    if protector.get('recovery', True) is not True: raise damaged('protector')
    tail = ('label', protector['label']) if 'label' in protector else ()
    if 'recovery' in protector: tail += ('recovery',)
    return fields('secreg/v1/protector', protector['id'], kind, *(protector[name] for name in OWN[kind]),
                  derivation['name'], *cost, derivation['salt'], *tail)


def check_seal(seal):
    if type(seal.get('format')) is int and seal['format'] > 1: raise Fault(7, 'the seal is of a newer version')
    members(seal, 'format', 'protectors', 'epochs', 'check')
    for protector in seal['protectors']: check_box(context_of(protector), box_of(protector, 'wrapped'))


def secret_of(protector, credential):
    kind, given = credential
    if kind == 'passphrase': return scrypt(given(), protector['kdf'])
    salt = unbase64(protector['kdf']['salt'], 32)
    if kind == 'key-file': return hkdf(given(), salt, b'secreg/v1/key-file', 32)
    secret = secret_of_shares(protector, given())
    return None if secret is None else hkdf(secret, salt, b'secreg/v1/shamir', 32)


def open_seal(seal, credential):
    candidates = [protector for protector in seal['protectors'] if protector['kind'] == credential[0]]
    if not candidates: raise Fault(2, f'no protector of the kind {credential[0]}')
    problems = []
    for protector in candidates:
        try:
            secret = secret_of(protector, credential)
        except Fault as fault:
            # A share of another set may be one of the next protector.
            problems.append(fault)
            continue
        root = None if secret is None else open_box(secret, context_of(protector), box_of(protector, 'wrapped'))
        if root is None:
            problems.append(wrong())
            continue
        covered = ['secreg/v1/seal', 1, len(seal['protectors'])]
        for one in seal['protectors']:
            covered += [context_of(one), one['commitment'], one['nonce'], one['wrapped'], one['checksum']]
        for epoch in seal['epochs']: covered += [epoch['epoch'], epoch['nonce'], epoch['wrapped']]
        if not equal(unbase64(seal['check'], 32), hmac256(subkey(root, 'seal-header'), fields(*covered))):
            raise damaged('the check of the seal')
        return root
    raise min(problems, key=lambda fault: fault.status)


def subkey(root, purpose): return hkdf(root, b'', b'secreg/v1/' + purpose.encode(), 32)


def data_keys(root, seal):
    keys = {}
    for epoch in seal['epochs']:
        number, nonce, wrapped = epoch['epoch'], unbase64(epoch['nonce'], 24), unbase64(epoch['wrapped'], 48)
        key = open_aead(subkey(root, 'seal-epochs'), nonce, fields('secreg/v1/epoch', number), wrapped)
        if key is None: raise damaged('a wrapped data key')
        keys[number] = key
    return keys


# --- Backups ---------------------------------------------------------------------------------------------------------

def read_header(file):
    line = file.readline(LINE_MAX)
    if line[:len(PREFIX)] != PREFIX[:len(line)]: raise Fault(7, 'neither a backup nor an export of secreg')
    if not line.endswith(b'\n'):
        raise damaged('header') if len(line) == LINE_MAX else Fault(6, 'the backup ends early')
    checked, _, tail = line.rpartition(b',"checksum":')
    match = re.fullmatch(rb'"([A-Za-z0-9+/]{43}=)"\}\n', tail)
    if match is None or not equal(unbase64(match[1].decode(), 32), sha256(fields('secreg/v1/backup-header', checked))):
        raise damaged('header')
    header = json.loads(line)
    if type(header['version']) is int and header['version'] > 1: raise Fault(7, 'the backup is of a newer version')
    names = ('format', 'version', 'id', 'created_at', 'generation', 'revision', 'seal', 'salt', 'commitment', 'checksum')
    if header['version'] != 1 or tuple(header) != names or compact(header) + b'\n' != line: raise damaged('header')
    integer(header['revision'], 0, 2**48 - 1)
    check_seal(header['seal'])
    return line, header


def read_stream(file, key, aad):
    """The plaintext of each chunk."""
    number, sealed = 0, file.read(CHUNK + 16)
    while True:
        following = file.read(CHUNK + 16)
        last = not following
        open_as = lambda as_last: open_aead(key, bytes(16) + struct.pack('>Q', number << 8 | as_last), aad, sealed)
        plaintext = open_as(last)
        if plaintext is None:
            if last and len(sealed) < CHUNK + 16: raise Fault(6, 'the backup ends early')
            if open_as(not last) is None: raise damaged(f'chunk {number} of the content')
            raise Fault(6, 'the backup ends early' if last else 'something follows the end of the backup')
        if len(plaintext) != CHUNK: raise damaged('a chunk that is not full')
        yield plaintext
        if last: return
        number, sealed = number + 1, following


def read_rows(file, line, header, root):
    keys = hkdf(subkey(root, 'backup'), unbase64(header['salt'], 32), b'secreg/v1/backup-stream', 64)
    committed = line.rpartition(b',"commitment":')[0]
    if not equal(unbase64(header['commitment'], 32), hmac256(keys[32:], fields('secreg/v1/backup-commitment', committed))):
        raise damaged('header')
    chunks, buffer = read_stream(file, keys[:32], sha256(line)), bytearray()

    def take(size):
        while len(buffer) < size:
            try: buffer.extend(next(chunks))
            except StopIteration: raise damaged('the content ends early')
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    def number(size): return int.from_bytes(take(size), 'big')

    json.loads(take(integer(number(4), 0, 2**20)))
    rows, before = {}, b''
    while True:
        size = number(2)
        if size == 0: break
        key = take(integer(size, 1, 1024))
        create, modify = number(6), number(6)
        if key <= before or not 1 <= create <= modify <= header['revision']: raise damaged('a row')
        rows[key.decode()] = take(integer(number(4), 0, 2**24))
        before = key
    if number(6) != len(rows) or any(buffer) or next(chunks, None) is not None: raise damaged('the end of the content')
    return rows


# --- Rows ------------------------------------------------------------------------------------------------------------

def record(data):
    if data[0] != 2: raise Fault(7, 'a record of an unknown format')
    end = 6 + int.from_bytes(data[2:6], 'big')
    return data[1], json.loads(data[6:end]), data[end:] if data[1] & 16 else None


def open_value(keys, entry_id, version, kind, blob):
    epoch, sized = int.from_bytes(blob[1:5], 'big'), lambda part: struct.pack('>I', len(part)) + part
    aad = b''.join(map(sized, (b'\1', bytes.fromhex(entry_id), struct.pack('>Q', version), kind.encode(), blob[1:5])))
    value = open_aead(keys[epoch], blob[5:29], aad, blob[29:]) if blob[0] == 1 and epoch in keys else None
    if value is None: raise damaged('a sealed value')
    return value


def read_entries(rows, keys):
    for key, data in rows.items():
        if key[0] != 'e': continue
        _, entry, inline = record(data)
        for low, high in zip(entry['p'][::2], entry['p'][1::2]):
            for version in range(low, high + 1):
                place = f'{entry["i"]}/{version:012}'
                flags, header, stored = record(rows[f'v/{place}'])
                if flags & 64:
                    yield shown(key[1:], header['t'], version, bool(flags & 1), None, 'destroyed')
                    continue
                if stored is None: stored = rows[f'w/{place}']
                if version == entry['a'] and inline not in (None, stored): raise damaged('an entry and its version differ')
                value = open_value(keys, entry['i'], version, header['t'], stored) if flags & 1 else stored
                state = 'deleted' if 'd' in entry or 'd' in header else 'active' if version == entry['a'] else 'kept'
                yield shown(key[1:], header['t'], version, bool(flags & 1), value, state)


def shown(path, kind, version, encrypted, value, state='active'):
    return {'path': path, 'type': kind, 'version': version, 'encrypted': encrypted, 'state': state, 'value': value}


# --- Command line ----------------------------------------------------------------------------------------------------

def passphrase():
    try:
        text = getpass.getpass('Passphrase: ') if sys.stdin.isatty() else sys.stdin.readline().rstrip('\r\n')
        data = unicodedata.normalize('NFC', text).encode()
    except UnicodeError:
        raise wrong()
    if not 1 <= len(data) <= 4096: raise wrong()
    return data


def share_lines():
    if sys.stdin.isatty(): print('Shares, one a line, then an end of file:', file=sys.stderr)
    return [line for line in sys.stdin.read().split('\n') if line.strip()]


def once(read):
    kept = []

    def given():
        if not kept: kept.append(read())
        return kept[0]
    return given


def key_file(path):
    def read():
        with open(path, 'rb') as file: data = file.read(4097)
        if not 32 <= len(data) <= 4096: raise Fault(1, 'a key file has 32 to 4096 bytes')
        return data
    return read


def entries_of(path, credential):
    with open(path, 'rb') as file:
        start = file.read(len(PREFIX))
        file.seek(0)
        if PREFIX.startswith(start):
            line, header = read_header(file)
            root = open_seal(header['seal'], credential)
            yield from read_entries(read_rows(file, line, header, root), data_keys(root, header['seal']))
            return
        content = file.read()
        try: document = json.loads(content)
        except ValueError:
            if content.startswith(b'{"format":"secreg-export'): raise damaged('no JSON')
            document = None
    kind = document.get('format') if isinstance(document, dict) else None
    if kind == 'secreg-export-encrypted':
        if credential[0] != 'passphrase': raise Fault(1, 'an export opens with its passphrase only')
        document = json.loads(open_passphrase_document(document, credential[1]))
    elif kind != 'secreg-export': raise Fault(7, 'neither a backup nor an export of secreg')
    yield from read_export(document)


class Parser(argparse.ArgumentParser):
    def error(self, message): self.exit(1, f'open-secreg: {message}\n')


def main():
    parser = Parser(description='Open an export or a backup of secreg.')
    parser.add_argument('file')
    by = parser.add_mutually_exclusive_group()
    by.add_argument('--key-file', metavar='FILE', help='open with a key file')
    by.add_argument('--shares', action='store_true', help='open with shares, one a line on standard input')
    parser.add_argument('--json', action='store_true', help='every version with its value, one JSON object a line')
    parser.add_argument('--get', metavar='PATH', help='only the value at this path, as it is')
    given = parser.parse_args()
    credential = (('key-file', once(key_file(given.key_file))) if given.key_file
                  else ('shamir', once(share_lines)) if given.shares else ('passphrase', once(passphrase)))
    try:
        # Everything is read and checked before anything is shown.
        found = list(entries_of(given.file, credential))
    except Fault as fault:
        print(f'open-secreg: {fault}', file=sys.stderr)
        return fault.status
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError):
        print('open-secreg: damaged: it does not hold what it should', file=sys.stderr)
        return 5
    except OSError as error:
        print(f'open-secreg: {error.strerror}', file=sys.stderr)
        return 1
    if given.get is not None:
        values = [one['value'] for one in found if one['path'] == given.get and one['state'] == 'active']
        if not values: parser.error('no such path')
        sys.stdout.buffer.write(values[0])
        return 0
    for one in found:
        if given.json:
            value = one['value']
            text = value if value is None else (base64.b64encode(value) if one['type'] == 'bytes' else value).decode()
            print(json.dumps({**one, 'value': text}))
        elif one['state'] == 'active':
            print(one['path'], one['type'], f'version {one["version"]}', *(['encrypted'] if one['encrypted'] else []), sep='\t')
    return 0


if __name__ == '__main__':
    sys.exit(main())
