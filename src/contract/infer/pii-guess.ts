import type { ValueProfile } from './value-profile.ts'

/** What kind of personal data a column seems to hold, by its name and by the form of its values. Pure; a guess. */
export function guessPii(name: string, profile: ValueProfile): string | null {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  const texts = profile.kinds.get('text') ?? 0
  const shaped = [...profile.shapes].find(([, count]) => count * 5 >= texts * 4)
  if (shaped !== undefined && texts > 0) return shaped[0]
  const isText = texts > 0 || profile.leadingZeros || profile.kinds.has('integer') || profile.present === 0
  if (!isText) return /^(birth|dob)/.test(words.join('')) || words.includes('birthday') ? 'birth_date' : null
  const joined = `_${words.join('_')}_`
  return NAMED.find(([pattern]) => pattern.test(joined))?.[1] ?? null
}

const NAMED: readonly (readonly [RegExp, string])[] = [
  [/_e_?mail_|_mail_address_/, 'email'],
  [/_(phone|mobile|telephone|tel|fax|cell)_(number_|no_|nr_)?/, 'phone'],
  [
    /_(first|last|full|sur|given|family|middle|maiden|nick|user|customer|contact|person|employee|patient|driver|recipient|owner)_?name_|_(surname|firstname|lastname|fullname|username)_/,
    'name',
  ],
  [/_ip_(address_|addr_)?|_ipv[46]_/, 'ip'],
  [/_iban_/, 'iban'],
  [/_(card|pan|cc)_(number|no|nr)_|_credit_card_/, 'card'],
  [/_(ssn|social_security|tax_id|passport|national_id|nino|driving_licence|license_number)_/, 'national_id'],
  [/_(street|address|addr|postcode|postal_code|zip|zipcode)_/, 'address'],
  [/_(dob|birth_date|date_of_birth|birthdate|birthday)_/, 'birth_date'],
]
