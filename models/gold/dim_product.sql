select
  product_id,
  name,
  category,
  price
from silver.products
