# Events once each, their customer as they are now, their customer's latest order at the time; by one ordered pass over both.
view('behavior', 'bronze/behavior')
view('customers', 'silver/customers')
view('orders', 'silver/orders')
spark.sql('''
  with events as (
    select event_id, customer_id, event_type, product_id, session_id, duration_ms, event_time, cast(event_time as date) as event_date
    from (select *, row_number() over (partition by event_id order by event_time desc, _epoch desc, _partition desc, _offset desc) as place
          from behavior where event_id is not null)
    where place = 1 and _op <> 'd'),
  both as (
    select customer_id, event_time as at, 1 as asks, '' as tie, cast(null as struct<order_id: string, ordered_at: timestamp, status: string>) as o,
      struct(event_id, event_type, product_id, session_id, duration_ms, event_time, event_date) as e from events
    union all
    select customer_id, ordered_at, 0, order_line_id, struct(order_id, ordered_at, status), null from orders where not _deleted and ordered_at is not null),
  placed as (
    select customer_id, asks, e, last(o, true) over (partition by customer_id order by at, asks, tie rows between unbounded preceding and current row) as o from both)
  select p.e.event_id, p.customer_id, p.e.event_type, p.e.product_id, p.e.session_id, p.e.duration_ms, p.e.event_time, p.e.event_date,
    c.city as customer_city, c.country as customer_country, c.segment as customer_segment,
    p.o.order_id as latest_order_id, p.o.ordered_at as latest_ordered_at, p.o.status as latest_order_status
  from placed p left join (select * from customers where not _deleted) c on c.customer_id = p.customer_id
  where p.asks = 1''').repartition('event_date').write.format('delta').partitionBy('event_date').save(f'{lake}/spark/customer_activity')
