# Behind by-hand.py: the measured orders from Kafka, as one writes it first. Arguments: BROKERS ROWS TABLE SCHEMA OPTIONS.
from confluent_kafka import Consumer, TopicPartition

FLUSH_ROWS = 100_000
PARTITIONS = 4
MESSAGES = 10_000

started, cpu = time.perf_counter(), used()
settings = {"bootstrap.servers": sys.argv[1], "group.id": "by-hand", "enable.auto.commit": False}
consumer = Consumer(settings)
consumer.assign([TopicPartition("orders", partition, 0) for partition in range(PARTITIONS)])
nexts = {}
while rows < most:
    for message in consumer.consume(MESSAGES, 1.0):
        if message.error():
            raise RuntimeError(message.error())
        take(message.value(), message.partition(), message.offset())
        nexts[message.partition()] = message.offset() + 1
    if len(held) >= FLUSH_ROWS or rows >= most:
        flush()
        consumer.commit(offsets=[TopicPartition("orders", each, offset) for each, offset in nexts.items()], asynchronous=False)
consumer.close()
report(started, cpu)
