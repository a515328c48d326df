"""What python3-libvirt sees of the secrets behind a URI.

    python3 client.py crud|refusals|events|leave URI

Each line of the output is JSON: what was asked, and what it came to.
"""

import base64
import json
import sys
import threading

import libvirt

UUID = "55555555-5555-4555-8555-000000000001"
XML = "<secret ephemeral='%s' private='%s'><uuid>%s</uuid><usage type='tls'><name>py</name></usage></secret>"
HIDDEN = "55555555-5555-4555-8555-000000000002"


def tell(what, result):
    print(json.dumps([what, result]), flush=True)


def text_of(value):
    return None if value is None else base64.b64encode(value).decode()


def refused(call, *args):
    """Code, domain and text of the error that a call ends with."""
    try:
        call(*args)
    except libvirt.libvirtError as error:
        return [error.get_error_code(), error.get_error_domain(), error.get_error_message()]
    return None


def handle(secret):
    return [secret.UUIDString(), secret.usageType(), secret.usageID()]


def crud(connection):
    tell("type", connection.getType())
    tell("uri", connection.getURI())
    tell("version", connection.getLibVersion())
    tell("alive", connection.isAlive())
    tell("secure", connection.isSecure())
    tell("encrypted", connection.isEncrypted())
    tell("none", [connection.numOfSecrets(), connection.listSecrets()])
    secret = connection.secretDefineXML(XML % ("yes", "no", UUID), 0)
    tell("define", handle(secret))
    tell("bytes", secret.UUID().hex())
    tell("set", secret.setValue(b"\0py\xff", 0))
    tell("value", text_of(secret.value(0)))
    tell("xml", secret.XMLDesc(0))
    largest = bytes(range(256)) * 256
    tell("set the largest", secret.setValue(largest, 0))
    tell("value of the largest", secret.value(0) == largest)
    hidden = connection.secretDefineXML(
        "<secret private='yes'><uuid>%s</uuid></secret>" % HIDDEN,
        libvirt.VIR_SECRET_DEFINE_VALIDATE,
    )
    tell("define hidden", handle(hidden))
    tell("list", [connection.numOfSecrets(), sorted(connection.listSecrets())])
    for name in ("EPHEMERAL", "NO_EPHEMERAL", "PRIVATE", "NO_PRIVATE"):
        flags = getattr(libvirt, "VIR_CONNECT_LIST_SECRETS_" + name)
        tell(name, [found.UUIDString() for found in connection.listAllSecrets(flags)])
    tell("by uuid", handle(connection.secretLookupByUUID(secret.UUID())))
    tell("by text", handle(connection.secretLookupByUUIDString(UUID.replace("-", "").upper())))
    tell("by usage", handle(connection.secretLookupByUsage(libvirt.VIR_SECRET_USAGE_TYPE_TLS, "py")))
    tell("connection", secret.connect() is connection)
    tell("undefine", [secret.undefine(), hidden.undefine()])
    tell("gone", [refused(secret.value), refused(secret.XMLDesc), refused(secret.undefine)])
    tell("close", connection.close())


def refusals(connection):
    secret = connection.secretDefineXML(XML % ("yes", "no", UUID))
    hidden = connection.secretDefineXML("<secret private='yes'><uuid>%s</uuid></secret>" % HIDDEN)
    hidden.setValue(b"hidden")
    tell("missing uuid", refused(connection.secretLookupByUUIDString, UUID[:-1] + "9"))
    tell("missing usage", refused(connection.secretLookupByUsage, 4, "nope"))
    tell("no usage", refused(connection.secretLookupByUsage, 0, ""))
    tell("no value", refused(secret.value))
    tell("private", refused(hidden.value))
    tell("empty", refused(secret.setValue, b""))
    tell("too long", refused(secret.setValue, b"z" * 65537))
    tell("twice", refused(connection.secretDefineXML, "<secret><usage type='tls'><name>py</name></usage></secret>"))
    tell("redefined", refused(connection.secretDefineXML, XML.replace("py", "other") % ("yes", "no", UUID)))
    tell("bad flag", refused(connection.secretDefineXML, XML % ("yes", "no", UUID), 4))
    tell("bad list", refused(connection.listAllSecrets, 16))
    tell("bad xml", refused(connection.secretDefineXML, "<secret>"))
    tell("bad root", refused(connection.secretDefineXML, "<domain/>"))
    tell("bad usage", refused(connection.secretDefineXML, "<secret><usage type='bogus'/></secret>"))
    tell("other driver", refused(connection.listAllDomains))
    tell("capabilities", refused(connection.getCapabilities))
    reading = libvirt.openReadOnly(sys.argv[2])
    tell("looking", [found.UUIDString() for found in reading.listAllSecrets()])
    tell("reading", refused(reading.secretLookupByUUIDString(UUID).value))
    tell("writing", refused(reading.secretLookupByUUIDString(UUID).setValue, b"x"))
    tell("other name", refused(libvirt.open, sys.argv[2].replace("secret:", "qemu:")))
    secret.undefine()
    hidden.undefine()


def run_loop():
    while True:
        libvirt.virEventRunDefaultImpl()


def events(connection):
    """Tell events until the input ends."""
    tell("keepalive", connection.setKeepAlive(1, 3))

    def lifecycle(_, secret, event, detail, opaque):
        tell("lifecycle", [*handle(secret), event, detail, opaque])

    def changed(_, secret, opaque):
        tell("value-changed", [*handle(secret), opaque])

    def closed(_, reason, opaque):
        tell("closed", [reason, opaque])

    connection.registerCloseCallback(closed, "c")
    ids = [
        connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE, lifecycle, "all"),
        connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_VALUE_CHANGED, changed, "all"),
    ]
    secret = connection.secretDefineXML(XML % ("yes", "no", UUID))
    ids.append(connection.secretEventRegisterAny(secret, libvirt.VIR_SECRET_EVENT_ID_VALUE_CHANGED, changed, "one"))
    tell("ready", len(set(ids)))
    sys.stdin.readline()
    for number in ids:
        connection.secretEventDeregisterAny(number)
    tell("undefine", secret.undefine())
    tell("alive", connection.isAlive())
    sys.stdin.readline()


def leave(connection):
    """Go without a word, with handles and callbacks that are still alive."""
    secret = connection.secretDefineXML(XML % ("no", "no", UUID))
    connection.secretEventRegisterAny(None, libvirt.VIR_SECRET_EVENT_ID_LIFECYCLE, lambda *_: None, None)
    secret.setValue(b"left")
    tell("left", handle(secret))
    sys.exit(0)


def main():
    what, uri = sys.argv[1:]
    libvirt.registerErrorHandler(lambda *_: None, None)
    if what in ("events", "leave"):
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=run_loop, daemon=True).start()
    {"crud": crud, "refusals": refusals, "events": events, "leave": leave}[what](libvirt.open(uri))


main()
