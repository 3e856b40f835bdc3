import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes the corpus that our reader and kafkajs must read alike. Arguments: bootstrap servers, seed. */
public class WriteCorpus {
  static String bootstrap;
  static Random random;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    random = new Random(Long.parseLong(args[1]));
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      for (int size : new int[] {1, 20, 10_000}) {
        try (var producer = producer(codec, size, null)) {
          for (int i = 0; i < (size == 10_000 ? 20_000 : 200); i++) {
            producer.send(record("java-" + codec, i, 30 + random.nextInt(80)));
            if (size == 1) producer.flush();
          }
        }
      }
    }
    try (var producer = producer("lz4", 20, null)) {
      for (int i = 0; i < 5; i++) producer.send(record("java-large", i, 1_000_000 - random.nextInt(2000)));
      for (int i = 0; i < 500; i++) producer.send(record("java-append-time", i, 50));
    }
    transactions();
    // Keys come again and again, so that cleaning leaves gaps.
    try (var producer = producer("none", 20, null)) {
      for (int i = 0; i < 3000; i++) {
        var key = ("key-" + random.nextInt(40)).getBytes(StandardCharsets.UTF_8);
        producer.send(new ProducerRecord<>("java-compacted", 0, key, random.nextInt(9) == 0 ? null : bytes(100)));
        if (i % 300 == 299) { producer.flush(); Thread.sleep(150); }
      }
    }
  }

  /** Two producers in turn on one partition, so that aborts span what the other commits. */
  static void transactions() throws Exception {
    try (var a = producer("lz4", 20, "corpus-a"); var b = producer("none", 20, "corpus-b"); var plain = producer("zstd", 20, null)) {
      a.initTransactions();
      b.initTransactions();
      for (int round = 0; round < 12; round++) {
        a.beginTransaction();
        b.beginTransaction();
        for (int i = 0; i < 150; i++) {
          a.send(record("java-transactions", i, 200));
          if (i % 3 == 0) b.send(record("java-transactions", i, 200));
          if (i % 40 == 0) plain.send(record("java-transactions", i, 60));
          if (i % 50 == 49) { a.flush(); b.flush(); }
        }
        if (round % 2 == 0) a.abortTransaction(); else a.commitTransaction();
        if (round % 3 == 0) b.abortTransaction(); else b.commitTransaction();
      }
    }
  }

  static KafkaProducer<byte[], byte[]> producer(String codec, int records, String transactionalId) {
    var settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    settings.put("compression.type", codec);
    settings.put("linger.ms", records == 1 ? "0" : "20");
    settings.put("batch.size", String.valueOf(records == 10_000 ? 900_000 : records * 200));
    settings.put("max.request.size", "4000000");
    if (transactionalId != null) settings.put("transactional.id", transactionalId);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int i, int size) {
    var headers = new RecordHeaders();
    if (i % 5 == 0) headers.add("sluice.op", new byte[] {'u'}).add("größe", bytes(3)).add("none", null);
    byte[] key = i % 7 == 0 ? null : ("key-" + i).getBytes(StandardCharsets.UTF_8);
    byte[] value = i % 11 == 0 ? null : i % 13 == 0 ? new byte[0] : bytes(size);
    long time = System.currentTimeMillis() - random.nextInt(1_000_000);
    return new ProducerRecord<>(topic, 0, time, key, value, headers);
  }

  /** Half of it repeats, so that codecs have something to do. */
  static byte[] bytes(int size) {
    var bytes = new byte[size];
    random.nextBytes(bytes);
    for (int i = size / 2; i < size; i++) bytes[i] = (byte) (i % 17);
    return bytes;
  }
}
