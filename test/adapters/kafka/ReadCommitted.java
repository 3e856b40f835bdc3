import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints partition 0 of a topic as Kafka's own consumer reads it, read_committed: a record a line, parts by tabs:
 * offset, time, key, value, then name=value of each header, bytes as hex, "-" for null. Arguments: bootstrap servers, topic.
 */
public class ReadCommitted {
  public static void main(String[] args) throws Exception {
    var settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("isolation.level", "read_committed");
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var partition = new TopicPartition(args[1], 0);
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition)).get(partition);
      while (consumer.position(partition) < end) {
        for (var each : consumer.poll(Duration.ofMillis(500))) {
          var line = new StringBuilder().append(each.offset()).append('\t').append(each.timestamp());
          line.append('\t').append(hex(each.key())).append('\t').append(hex(each.value()));
          for (var header : each.headers()) line.append('\t').append(header.key()).append('=').append(hex(header.value()));
          out.println(line);
        }
      }
    }
  }

  static String hex(byte[] bytes) {
    return bytes == null ? "-" : HexFormat.of().formatHex(bytes);
  }
}
