/** What DuckDB 1.5 or Spark 4 do not take as a column's name without quotes. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  'all analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by case cast check collate collation column concurrently constraint create cross current_date current_time current_timestamp current_user default deferrable desc describe distinct do else end except execute exists false fetch filter for foreign freeze from full glob grant group having ilike in initially inner intersect into is isnull join lambda lateral leading left like limit localtime localtimestamp minus natural not notnull null offset on only or order outer overlaps percentile_cont percentile_disc pivot pivot_longer pivot_wider placing positional primary qualify references returning right select semi session_user show similar some summarize symmetric table tablesample then to trailing true union unique unpack unpivot user using variadic verbose when where window with within'.split(
    ' ',
  ),
)
