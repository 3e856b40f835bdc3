/** Amounts as people read them. */

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB']

/** By thousands, as stores are priced. */
export function sizeText(bytes: number): string {
  let [amount, unit] = [bytes, 0]
  while (amount >= 999.5 && unit < UNITS.length - 1) [amount, unit] = [amount / 1000, unit + 1]
  return `${unit === 0 || amount >= 99.95 ? amount.toFixed(0) : amount.toFixed(1)} ${UNITS[unit]}`
}

/** Two places, and for less than one so many that three digits are told; never an exponent. */
export function moneyText(amount: number, currency: string): string {
  if (amount === 0 || amount >= 0.995) return `${amount.toFixed(2)} ${currency}`
  if (amount < 0.000001) return `< 0.000001 ${currency}`
  return `${amount.toFixed(2 - Math.floor(Math.log10(amount)))} ${currency}`
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
