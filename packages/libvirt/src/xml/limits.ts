/** What a document may be at most, so that none exhausts stack or memory. */

/** Bytes of UTF-8: the longest string of libvirt's protocol (remote_protocol.x, REMOTE_STRING_MAX). */
export const MAX_XML_BYTES = 4_194_304

/** Elements in each other; libxml2 takes as many (xmlParserMaxDepth). */
export const MAX_XML_DEPTH = 256

/** Tags, attributes, comments and instructions together. libvirt has no such limit; a definition has about ten. */
export const MAX_XML_MARKUP = 16_384
