# The whole history of every customer that the last run date touches, worked out again; the dimension's other rows kept.
view('bronze', 'bronze/customers')
view('dim', 'gold/dim_customer')
spark.sql('''
  create or replace temp view touched as
  select distinct customer_id from bronze where _run_date = date'2026-01-31' and customer_id is not null''')
spark.sql('''
  create or replace temp view versions as
  with changes as (
    select customer_id, trim(name) as name, lower(trim(email)) as email, trim(city) as city, trim(country) as country, segment,
      _op = 'd' as deleted, coalesce(updated_at, case when _op = 'd' then _record_ts end) as seq, _epoch, _partition, _offset
    from bronze b left semi join touched using (customer_id)),
  one as (
    select * from (select *, row_number() over (partition by customer_id, seq order by _epoch desc, _partition desc, _offset desc) as place from changes)
    where place = 1 and seq is not null),
  before as (
    select *, lag(seq) over w as was_seq, lag(deleted) over w as was_deleted, lag(struct(name, email, city, country, segment)) over w as was
    from one window w as (partition by customer_id order by seq)),
  bounds as (
    select *, lead(seq) over (partition by customer_id order by seq) as until from before
    where (not deleted and (was_seq is null or was_deleted or struct(name, email, city, country, segment) is distinct from was))
       or (deleted and was_seq is not null and not was_deleted))
  select md5(concat_ws(chr(31), customer_id, cast(unix_micros(seq) as string))) as customer_sk, customer_id, name, email, city, country, segment,
    seq as valid_from, until as valid_to, until is null as is_current
  from bounds where not deleted''')
if os.environ.get('SLUICE_BENCH_SPARK') == 'merge':
    spark.sql('create or replace temp view old as select dim.* from dim left semi join touched using (customer_id)')
    spark.sql('''
      create or replace temp view differs as
      select *, false as gone from (select * from versions except all select * from old)
      union all
      select o.*, true as gone from old o left anti join versions v on o.customer_sk = v.customer_sk''')
    columns = [c for c in spark.table('dim').columns]
    updates = ', '.join(f't.{c} = s.{c}' for c in columns)
    spark.sql(f'''merge into delta.`{lake}/gold/dim_customer` t using differs s on t.customer_sk = s.customer_sk
      when matched and s.gone then delete when matched then update set {updates}
      when not matched then insert ({', '.join(columns)}) values ({', '.join('s.' + c for c in columns)})''')
else:
    spark.sql('''select dim.* from dim left anti join touched on dim.customer_id = touched.customer_id
                 union all select * from versions''').write.format('delta').mode('overwrite').save(f'{lake}/gold/dim_customer')
