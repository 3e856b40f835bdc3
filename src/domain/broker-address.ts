/** `host:port` of a broker; an IPv6 address stands in brackets. */
const HOST_PORT = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/

export function isBrokerAddress(text: string): boolean {
  return HOST_PORT.test(text)
}

/** Addresses with commas between. */
export function splitBrokers(text: string): readonly string[] {
  return text.split(',').flatMap((each) => each.trim() || [])
}
