/**
 * Steps that are answered otherwise than setec's own server did, on purpose (specs/setec.md §1.4; `html`: its pages are no
 * part of the API here). The list is closed: whatever else differs is a fault.
 */

type Why = 'Q1' | 'Q2' | 'Q3' | 'Q4' | 'Q5' | 'Q6' | 'Q7' | 'Q8' | 'html'

const NO_NAME = '400 invalid name, please specify a name'
const NO_VERSION = '400 invalid version, please specify a version > 0'
const RESERVED = '400 the name is reserved'
const NO_NUMBER = '409 no version number is left'
const ACTIVE = '409 version is active'
const NO_ENDPOINT = '400 invalid method'
const NO_PAGE = '404 not found'
const NOBODY = '401 unable to identify caller'
const ONE_VERSION = '200 {"Name":"t","Versions":[4294967295],"ActiveVersion":4294967295}'

/** By the id of the step: what is answered, and why. */
export const DECIDED: Readonly<Record<string, readonly [answer: string, why: Why]>> = {
  'transport_headers#12': [NOBODY, 'Q8'],
  'transport_paths#04': [NO_ENDPOINT, 'Q6'],
  'transport_paths#05': [NO_ENDPOINT, 'Q6'],
  'transport_paths#07': [NO_PAGE, 'html'],
  'transport_paths#08': [NO_PAGE, 'html'],
  'transport_paths#10': [NO_PAGE, 'html'],
  'transport_paths#11': [NO_PAGE, 'html'],
  'transport_paths#12': [NO_ENDPOINT, 'Q7'],
  'transport_paths#14': [NO_PAGE, 'html'],
  'transport_paths#15': [NO_PAGE, 'html'],
  'identity#03': [NOBODY, 'Q8'],
  'identity#04': [NOBODY, 'Q8'],
  'identity#05': [NOBODY, 'Q8'],
  'identity#06': [NOBODY, 'Q8'],
  'put#23': [NO_NAME, 'Q5'],
  'put#24': [NO_NAME, 'Q5'],
  'put#25': [NO_NAME, 'Q5'],
  'create_version#01': [NO_NAME, 'Q5'],
  'create_version#02': [NO_NAME, 'Q5'],
  'create_version#15': ['412 version already set', 'Q4'],
  'create_version#16': ['404 not found', 'Q4'],
  'create_version#19': [NO_NUMBER, 'Q3'],
  'create_version#20': [ONE_VERSION, 'Q3'],
  'create_version#22': [NO_NUMBER, 'Q3'],
  'create_version#23': [ONE_VERSION, 'Q3'],
  'create_version#24': [NO_VERSION, 'Q5'],
  'create_version#25': [NO_VERSION, 'Q5'],
  'wrap_overwrite#03': [NO_NUMBER, 'Q3'],
  'wrap_overwrite#04': [NO_NUMBER, 'Q3'],
  'wrap_overwrite#05': ['200 {"Value":"b3JpZ2luYWw=","Version":1}', 'Q3'],
  'wrap_overwrite#06': [
    '200 {"Name":"w","Versions":[1,4294967295],"ActiveVersion":4294967295}',
    'Q3',
  ],
  'delete_version#07': [ACTIVE, 'Q5'],
  'delete_version#08': [NO_VERSION, 'Q5'],
  'delete_version#10': [NO_VERSION, 'Q5'],
  'delete_version#12': [NO_VERSION, 'Q5'],
  'delete#10': ['200 3', 'Q4'],
  'delete#11': ['200 {"Name":"s","Versions":[3],"ActiveVersion":3}', 'Q4'],
  'internal_prefix#01': [RESERVED, 'Q5'],
  'internal_prefix#02': [RESERVED, 'Q5'],
  'internal_prefix#04': [RESERVED, 'Q2'],
  'internal_prefix#05': [RESERVED, 'Q2'],
  'internal_prefix#06': [RESERVED, 'Q2'],
  'internal_prefix#07': ['200 null', 'Q2'],
  'internal_prefix#08': [RESERVED, 'Q5'],
  'internal_prefix#09': [RESERVED, 'Q5'],
  'internal_prefix#10': [RESERVED, 'Q5'],
  'internal_prefix#11': [RESERVED, 'Q5'],
  'internal_prefix#12': [RESERVED, 'Q5'],
  'internal_prefix#13': [RESERVED, 'Q2'],
  'audit#21': [NO_NAME, 'Q5'],
  'audit#25': [NO_PAGE, 'html'],
}
