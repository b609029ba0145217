#include "wire/otlp/semantics.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ronda::wire::otlp {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

struct Case {
  Texts attributes;
  std::int32_t kind;
  std::string technology, peer;
};

TEST(SemanticsTest, OldAndNewConventionsSayTheSame) {
  const Case cases[] = {
      {{{"db.system", "mysql"}, {"net.peer.name", "db"}}, kKindClient, "db/mysql", "db"},
      {{{"db.system.name", "mysql"}, {"server.address", "db"}}, kKindClient, "db/mysql", "db"},
      {{{"db.system", "redis"}, {"db.name", "0"}}, kKindClient, "db/redis", "0"},
      {{{"rpc.system", "grpc"}, {"rpc.service", "Cart"}}, kKindClient, "rpc/grpc", "Cart"},
      {{{"rpc.system.name", "grpc"}, {"rpc.service", "Cart"}}, kKindServer, "rpc/grpc", ""},
      {{{"messaging.system", "kafka"}, {"messaging.destination.name", "orders"}},
       kKindProducer,
       "messaging/kafka",
       "orders"},
      {{{"messaging.system", "kafka"}, {"messaging.destination", "orders"}},
       kKindConsumer,
       "messaging/kafka",
       "orders"},
      {{{"http.request.method", "GET"}, {"url.full", "http://u:p@stock:8081/a?b"}},
       kKindClient,
       "http",
       "stock:8081"},
      {{{"http.method", "GET"}, {"http.url", "https://stock/a"}}, kKindClient, "http", "stock"},
      {{{"http.method", "GET"}, {"http.host", "stock"}}, kKindServer, "http", ""},
      {{{"peer.service", "stock"}, {"server.address", "10.0.0.1"}}, kKindClient, "", "stock"},
      {{{"peer.service", "stock"}}, kKindServer, "", "stock"},
      {{}, kKindClient, "", ""},
  };
  for (const Case& one : cases) {
    std::vector<Attribute> attributes_of;
    for (const auto& [key, value] : one.attributes) {
      attributes_of.emplace_back(key, Value::String(value));
    }
    const Semantics attributes(attributes_of);
    const Technology technology = attributes.technology();
    EXPECT_EQ(TextOf(technology), one.technology);
    EXPECT_EQ(TextOf(attributes.PeerOf(one.kind)), one.peer) << one.technology;
  }
  const Attribute with_port[] = {{"server.address", Value::String("a")},
                                 {"server.port", Value::Int(5432)}};
  EXPECT_EQ(TextOf(Semantics(with_port).PeerOf(kKindClient)), "a:5432");
  const Attribute usual[] = {{"net.peer.name", Value::String("a")},
                             {"net.peer.port", Value::Int(443)}};
  EXPECT_EQ(TextOf(Semantics(usual).PeerOf(kKindClient)), "a");
}

}  // namespace
}  // namespace ronda::wire::otlp
