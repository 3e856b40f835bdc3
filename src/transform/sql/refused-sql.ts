/** What the SQL of a model may not call or begin with. Model SQL is trusted less than code. */

/** Functions that reach files, the network, settings or other queries, on the engines that we have. */
export const REFUSED_FUNCTION =
  /^(read_.*|parquet_.*|duckdb_.*|pragma_.*|sniff_csv|glob|getenv|query|query_table|current_setting|set_config|which_secret|.*_scan|scan_.*|st_read.*|iceberg_.*|delta_.*|http.*|load_.*|from_substrait.*|get_substrait.*|sql_auto_complete|checkpoint|force_checkpoint|java_method|reflect|try_reflect|input_file_.*|nextval|currval|txid_current|write_.*|add_parquet_key|enable_.*|disable_.*)$/

/** Functions and words that answer otherwise at another time, place or run. */
export const NOT_REPEATABLE = new Set(
  'random rand randn uniform setseed uuid uuidv4 uuidv7 gen_random_uuid now today get_current_time get_current_timestamp current_date current_time current_timestamp localtime localtimestamp transaction_timestamp current_user current_role session_user current_database current_schema current_catalog current_query version monotonically_increasing_id spark_partition_id shuffle randstr curdate'.split(
    ' ',
  ),
)

/** Words that begin statements other than SELECT. */
export const STATEMENT_WORDS = new Set(
  'insert update delete merge create drop alter attach detach copy export import install load pragma set reset call use vacuum checkpoint truncate grant revoke execute prepare deallocate begin commit rollback analyze explain describe show summarize refresh cache uncache msck add list comment'.split(
    ' ',
  ),
)
