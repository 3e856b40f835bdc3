/**
 * Between timestamps without zone, which queries have and mean UTC, and the instants of files. As a cast in UTC gives
 * them, in a fifth of its time: that goes through the calendar. Infinities, which have no microseconds, take the cast.
 */

export const INSTANT = 'TIMESTAMP WITH TIME ZONE'
export const ZONELESS = 'TIMESTAMP'

export function withoutZone(instant: string): string {
  return `coalesce(make_timestamp(epoch_us(${instant})), cast(${instant} as ${ZONELESS}))`
}

export function withZone(timestamp: string): string {
  return `coalesce(make_timestamptz(epoch_us(${timestamp})), cast(${timestamp} as ${INSTANT}))`
}
