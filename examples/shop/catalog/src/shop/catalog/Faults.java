package shop.catalog;

import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** The fault switch: extra latency and a share of 500s, for tests that break a service. */
final class Faults {
  private record Setting(double latencyMs, double errorRate) {}

  private static final Setting NONE = new Setting(0, 0);
  private volatile Setting setting = NONE;

  void clear() {
    setting = NONE;
  }

  void set(Map<String, Double> wanted) throws Refusal {
    for (String name : wanted.keySet()) {
      if (!name.equals("latency_ms") && !name.equals("error_rate")) {
        throw new Refusal(400, "bad-fault", "unknown key '" + name + "'");
      }
    }
    double latency = wanted.getOrDefault("latency_ms", 0.0);
    double rate = wanted.getOrDefault("error_rate", 0.0);
    if (!(latency >= 0 && latency <= 60_000 && rate >= 0 && rate <= 1)) {
      throw new Refusal(400, "bad-fault", "latency_ms is 0..60000, error_rate is 0..1");
    }
    setting = new Setting(latency, rate);
  }

  String shown() {
    Setting now = setting;
    return Json.object("latency_ms", now.latencyMs, "error_rate", now.errorRate);
  }

  void strike() throws Refusal, InterruptedException {
    Setting now = setting;
    if (now.latencyMs > 0) {
      Thread.sleep((long) now.latencyMs);
    }
    if (now.errorRate > 0 && ThreadLocalRandom.current().nextDouble() < now.errorRate) {
      throw new Refusal(500, "fault", "a fault that was switched on");
    }
  }
}
