/** What `init` without `--from` begins with: the orders of a small shop, and one that cannot be. */
export const SAMPLE_NAME = 'orders.csv'

export const SAMPLE_ROWS = `order_id,ordered_at,customer,city,status,amount
1001,2026-01-05T09:12:00Z,K-17,Oslo,delivered,49.90
1002,2026-01-05T10:40:00Z,K-04,Bern,delivered,12.50
1003,2026-01-06T08:05:00Z,K-17,Oslo,delivered,7.25
1004,2026-01-06T17:31:00Z,K-09,Rome,cancelled,120.00
1005,2026-01-07T11:02:00Z,K-04,Bern,delivered,33.10
1006,2026-01-07T19:45:00Z,K-21,Lima,placed,64.00
1007,2026-01-08T07:58:00Z,K-09,Rome,delivered,18.75
1008,2026-01-08T13:20:00Z,K-17,Bern,placed,99.00
1009,2026-01-09T09:00:00Z,K-30,Oslo,placed,5.40
1010,2026-01-09T16:16:00Z,K-21,Lima,delivered,27.80
1011,2026-01-10T12:34:00Z,K-04,Bern,placed,45.00
1012,2026-01-10T20:11:00Z,K-30,Oslo,delivered,15.95
`

/** The rule that the bad row breaks. */
export const SAMPLE_RULE = { column: 'amount', constraints: { minimum: 0 } }
export const SAMPLE_BAD = {
  column: 'amount',
  value: '-45.00',
  why: 'its `amount` is -45.00, and the contract says `"constraints": {"minimum": 0}`',
}
