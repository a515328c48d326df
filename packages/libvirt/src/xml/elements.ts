/**
 * Names and text of elements as XPath 1.0 sees them, which is how libvirt reads: an element or attribute without prefix
 * in an expression is one in no namespace.
 */
import { XmlElement, type XmlNode } from '@rgrove/parse-xml'

/**
 * Name of an element without its prefix. A prefix that nothing declares is part of the name (libxml2, SAX2.c).
 */
export function localName(element: XmlElement): string {
  const colon = element.name.indexOf(':')
  if (colon <= 0) return element.name
  const prefix = element.name.slice(0, colon)
  const declared = prefix === 'xml' || namespaceOf(element, `xmlns:${prefix}`) !== ''
  return declared ? element.name.slice(colon + 1) : element.name
}

/** Whether an element is in no namespace. */
export function isPlain(element: XmlElement): boolean {
  return !element.name.includes(':') && namespaceOf(element, 'xmlns') === ''
}

/** What an attribute says, or undefined: libvirt takes an empty one for absent. */
export function attributeOf(element: XmlElement | undefined, name: string): string | undefined {
  return element?.attributes[name] || undefined
}

/** Elements of one name and in no namespace right below another, in order. */
export function childrenNamed(parent: XmlElement, name: string): XmlElement[] {
  return elementsOf(parent).filter((child) => child.name === name && isPlain(child))
}

/** All elements right below another, in order. */
export function elementsOf(parent: XmlElement): XmlElement[] {
  return parent.children.filter((child: XmlNode) => child instanceof XmlElement)
}

/** All text within the first of some elements, or undefined: libvirt takes an empty one for absent. */
export function textOfFirst(elements: readonly XmlElement[]): string | undefined {
  return elements[0]?.text || undefined
}

/** The namespace that the nearest declaration gives; empty for none. */
function namespaceOf(element: XmlElement, declaration: string): string {
  for (let at: XmlNode | null = element; at instanceof XmlElement; at = at.parent) {
    const namespace = at.attributes[declaration]
    if (namespace !== undefined) return namespace
  }
  return ''
}
