#include "wire/worker/link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "wire/worker/hub.h"

// Both sides of the stream in one process, over loopback.
namespace ronda::wire::worker {
namespace {

using std::chrono::milliseconds;

// Waits for what events told; a bound only so that a broken test ends.
class Told {
 public:
  template <typename Change>
  void Note(Change&& change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  template <typename Holds>
  [[nodiscard]] bool Wait(Holds&& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), holds);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class Server : public HubEvents {
 public:
  explicit Server(HubOptions options = {}) {
    if (!options.authorise) {
      options.authorise = [](std::string_view token) {
        return token == "right" ? base::Ok() : base::Unauthenticated("the token is not known");
      };
    }
    auto hub = Hub::Start(std::move(options), *this);
    EXPECT_TRUE(hub.ok()) << hub.status().ToString();
    if (hub.ok()) hub_ = *std::move(hub);
  }
  ~Server() override {
    release.store(true);
    if (hub_ != nullptr) hub_->Stop();
  }

  void OnAttach(Session session, const Peer& peer) override {
    told.Note([&] { attached.push_back(session), peers.push_back(peer); });
  }
  void OnMessage(Session session, FromWorker message) override {
    if (on_message) on_message(session, message);
    told.Note([&] { messages.push_back(std::move(message)); });
  }
  void OnDetach(Session session, const base::Status& why) override {
    told.Note([&] { detached[session] = why; });
  }

  [[nodiscard]] Hub& hub() { return *hub_; }
  [[nodiscard]] std::string url(const char* scheme = "http://") {
    return std::string(scheme) + "127.0.0.1:" + std::to_string(hub_->port());
  }
  [[nodiscard]] bool Attached(std::size_t n) {
    return told.Wait([&] { return attached.size() >= n; });
  }
  [[nodiscard]] bool Messages(std::size_t n) {
    return told.Wait([&] { return messages.size() >= n; });
  }
  [[nodiscard]] bool Detached(std::size_t n) {
    return told.Wait([&] { return detached.size() >= n; });
  }

  Told told;
  std::function<void(Session, const FromWorker&)> on_message;
  std::vector<Session> attached;
  std::vector<Peer> peers;
  std::vector<FromWorker> messages;
  std::map<Session, base::Status> detached;
  std::atomic<bool> release{false};

 private:
  std::unique_ptr<Hub> hub_;
};

class Client : public LinkEvents {
 public:
  static LinkOptions Quick(std::vector<std::string> urls) {
    return {.urls = std::move(urls),
            .token = "right",
            .shortest_pause = milliseconds(1),
            .longest_pause = milliseconds(20)};
  }
  explicit Client(LinkOptions options) {
    auto link = Link::Start(std::move(options), *this);
    EXPECT_TRUE(link.ok()) << link.status().ToString();
    if (link.ok()) link_ = *std::move(link);
  }
  ~Client() override { link_.reset(); }

  void OnUp(const std::string& url) override {
    if (on_up) on_up();
    told.Note([&] { ups.push_back(url); });
  }
  void OnMessage(ToWorker message) override {
    if (hold) (void)told.Wait([this] { return !hold; });
    told.Note([&] { messages.push_back(std::move(message)); });
  }
  void OnDown(Was was, const std::string&, const base::Status& why, milliseconds) override {
    told.Note([&] { downs.emplace_back(was, why); });
  }

  [[nodiscard]] Link& link() { return *link_; }
  [[nodiscard]] bool Up(std::size_t n) {
    return told.Wait([&] { return ups.size() >= n; });
  }
  [[nodiscard]] bool Down(std::size_t n) {
    return told.Wait([&] { return downs.size() >= n; });
  }
  [[nodiscard]] bool Messages(std::size_t n) {
    return told.Wait([&] { return messages.size() >= n; });
  }

  Told told;
  std::function<void()> on_up;
  std::atomic<bool> hold{false};
  std::vector<std::string> ups;
  std::vector<ToWorker> messages;
  std::vector<std::pair<Was, base::Status>> downs;

 private:
  std::unique_ptr<Link> link_;
};

FromWorker Beat(std::uint64_t number) {
  FromWorker message;
  message.mutable_heartbeat()->set_number(number);
  return message;
}

ToWorker Answer(std::uint64_t number) {
  ToWorker message;
  message.mutable_lease()->set_number(number);
  return message;
}

TEST(Link, MessagesArriveInOrderBothWays) {
  Server server;
  server.on_message = [&](Session session, const FromWorker& message) {
    EXPECT_TRUE(server.hub().Send(session, Answer(message.heartbeat().number())));
  };
  Client client(Client::Quick({server.url()}));
  ASSERT_TRUE(client.Up(1));
  constexpr std::uint64_t kMany = 2'000;
  for (std::uint64_t i = 1; i <= kMany; ++i) ASSERT_TRUE(client.link().Send(Beat(i)));
  ASSERT_TRUE(client.Messages(kMany));
  for (std::uint64_t i = 0; i < kMany; ++i) EXPECT_EQ(client.messages[i].lease().number(), i + 1);
}

TEST(Link, AWrongTokenIsRefusedAndNeverAttached) {
  Server server;
  LinkOptions options = Client::Quick({server.url()});
  options.token = "wrong";
  Client client(std::move(options));
  ASSERT_TRUE(client.Down(2));
  EXPECT_EQ(client.downs[0].first, LinkEvents::Was::kAttempt);
  EXPECT_EQ(client.downs[0].second, base::Unauthenticated("the token is not known"));
  EXPECT_FALSE(client.link().Send(Beat(1)));
  EXPECT_TRUE(server.attached.empty());
}

TEST(Link, AServerThatComesBackIsAttachedToAgain) {
  auto server = std::make_unique<Server>();
  const std::uint16_t port = server->hub().port();
  Client client(Client::Quick({server->url()}));
  ASSERT_TRUE(client.Up(1));
  server.reset();
  ASSERT_TRUE(client.Down(1));
  EXPECT_EQ(client.downs[0].first, LinkEvents::Was::kAttached);
  ASSERT_TRUE(client.Down(2));  // nobody is there
  EXPECT_EQ(client.downs[1].first, LinkEvents::Was::kAttempt);
  server = std::make_unique<Server>(HubOptions{.port = port});
  ASSERT_TRUE(client.Up(2));
  ASSERT_TRUE(client.link().Send(Beat(7)));
  EXPECT_TRUE(server->Messages(1));
}

TEST(Link, OfSeveralServersItTakesOneThatAnswers) {
  Server server;
  Client client(Client::Quick({"http://127.0.0.1:1", server.url()}));
  ASSERT_TRUE(client.Up(1));
  EXPECT_EQ(client.ups[0], server.url());
}

TEST(Link, ItIsLedOnToTheServerThatLeads) {
  Server first, second;
  first.on_message = [&](Session session, const FromWorker&) {
    ToWorker message;
    message.mutable_not_leader()->set_leader("127.0.0.1:" + std::to_string(second.hub().port()));
    first.hub().Send(session, std::move(message));
  };
  Client client(Client::Quick({first.url()}));
  ASSERT_TRUE(client.Up(1));
  client.link().Send(Beat(1));
  ASSERT_TRUE(second.Attached(1));
  ASSERT_TRUE(client.Up(2));
  EXPECT_EQ(client.ups[1], second.url());
}

TEST(Link, AMessageThatIsTooLongEndsTheSessionOnly) {
  Server server(HubOptions{.message_bytes = 1'000});
  Client client(Client::Quick({server.url()}));
  ASSERT_TRUE(client.Up(1));
  FromWorker message;
  message.mutable_log()->set_text(std::string(2'000, 'x'));
  ASSERT_TRUE(client.link().Send(std::move(message)));
  ASSERT_TRUE(client.Down(1));
  EXPECT_EQ(client.downs[0].second.code(), base::Code::kResourceExhausted);
  ASSERT_TRUE(client.Up(2));
  ASSERT_TRUE(server.Detached(1));
  EXPECT_TRUE(server.messages.empty());
}

TEST(Link, AWorkerThatTakesNothingLosesItsSessionAndTheServerNoMemory) {
  Server server(HubOptions{.queue_bytes = 1u << 20});
  Client client(Client::Quick({server.url()}));
  client.hold = true;
  ASSERT_TRUE(server.Attached(1));
  ToWorker message;
  message.mutable_command()->set_text(std::string(100'000, 'x'));
  bool taken = true;
  // gRPC and the kernel hold some too.
  for (int i = 0; i < 100'000 && taken; ++i) taken = server.hub().Send(server.attached[0], message);
  EXPECT_FALSE(taken);
  client.told.Note([&] { client.hold = false; });
  ASSERT_TRUE(server.Detached(1));
  EXPECT_EQ(server.detached.begin()->second.code(), base::Code::kResourceExhausted);
  EXPECT_FALSE(server.hub().Send(server.attached[0], message));
}

TEST(Link, WhatWasSentBeforeCloseArrives) {
  Server server;
  Client client(Client::Quick({server.url()}));
  ASSERT_TRUE(server.Attached(1));
  for (std::uint64_t i = 1; i <= 100; ++i)
    EXPECT_TRUE(server.hub().Send(server.attached[0], Answer(i)));
  server.hub().Close(server.attached[0], base::PermissionDenied("drained"));
  ASSERT_TRUE(client.Messages(100));
  ASSERT_TRUE(client.Down(1));
  EXPECT_EQ(client.downs[0].second, base::PermissionDenied("drained"));
  EXPECT_TRUE(server.Detached(1));
}

TEST(Link, WhatWasSentBeforeStopArrives) {
  Server server;
  {
    Client client(Client::Quick({server.url()}));
    ASSERT_TRUE(client.Up(1));
    for (std::uint64_t i = 1; i <= 100; ++i) ASSERT_TRUE(client.link().Send(Beat(i)));
    client.link().Stop(std::chrono::seconds(30));
    EXPECT_FALSE(client.link().Send(Beat(101)));
  }
  ASSERT_TRUE(server.Detached(1));
  EXPECT_EQ(server.messages.size(), 100U);
  EXPECT_TRUE(server.detached.begin()->second.ok());
}

TEST(Link, StopReturnsWhileNobodyIsThere) {
  Client client(Client::Quick({"http://127.0.0.1:1"}));
  ASSERT_TRUE(client.Down(1));
  client.link().Stop();
}

TEST(Link, ResetGivesUpTheAttachmentAndAttachesAgain) {
  Server server;
  Client client(Client::Quick({server.url()}));
  ASSERT_TRUE(client.Up(1));
  client.link().Reset();
  ASSERT_TRUE(client.Up(2));
  EXPECT_TRUE(server.Detached(1));
}

TEST(Link, MessagesFromInsideOfOnUpComeFirst) {
  Server server;
  Client client(Client::Quick({server.url()}));
  ASSERT_TRUE(client.Up(1));
  client.on_up = [&] { client.link().Send(Beat(42)); };
  client.link().Reset();
  ASSERT_TRUE(client.Up(2));
  client.link().Send(Beat(43));
  ASSERT_TRUE(server.Messages(2));
  EXPECT_EQ(server.messages[0].heartbeat().number(), 42U);
}

// Passes bytes on between a client and a server until it is told to keep them: a link that is
// half-open, as after a cable was pulled.
class Wire {
 public:
  explicit Wire(std::uint16_t to) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(listen(listener_, 8) == 0);
    CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    CHECK(pipe(wake_) == 0);
    thread_ = std::thread([this, to] { Run(to); });
  }
  ~Wire() {
    over_ = true;
    Wake();
    thread_.join();
    for (const int fd : {listener_, wake_[0], wake_[1]}) close(fd);
  }
  void Cut() {
    cut_ = true;
    Wake();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void Wake() { CHECK(write(wake_[1], "w", 1) == 1); }
  void Run(std::uint16_t to) {
    std::vector<int> fds;  // pairs
    while (!over_) {
      std::vector<pollfd> polls{{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const int fd : fds) polls.push_back({cut_ ? -1 : fd, POLLIN, 0});
      poll(polls.data(), polls.size(), -1);
      char buffer[65536];
      if (polls[0].revents != 0) (void)!read(wake_[0], buffer, sizeof buffer);
      for (std::size_t i = 2; i < polls.size() && !cut_; ++i) {
        if (polls[i].revents == 0) continue;
        const int other = fds[(i - 2) ^ 1];
        const ssize_t n = recv(polls[i].fd, buffer, sizeof buffer, 0);
        if (n > 0) {
          (void)!send(other, buffer, static_cast<std::size_t>(n), MSG_NOSIGNAL);
        } else {
          shutdown(other, SHUT_RDWR);
          fds[i - 2] = dup(wake_[0]), close(polls[i].fd);
          shutdown(fds[i - 2], SHUT_RDWR);
        }
      }
      if (polls[1].revents == 0) continue;
      fds.push_back(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
      const int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(to);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      CHECK(connect(out, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
      fds.push_back(out);
    }
    for (const int fd : fds) close(fd);
  }

  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::atomic<bool> cut_{false}, over_{false};
  std::thread thread_;
};

TEST(Link, BothSidesNoticeALinkThatIsHalfOpen) {
  Server server(HubOptions{.keepalive = milliseconds(50), .keepalive_timeout = milliseconds(100)});
  Wire wire(server.hub().port());
  LinkOptions options =
      Client::Quick({"http://127.0.0.1:" + std::to_string(wire.port()), server.url()});
  options.keepalive = milliseconds(50);
  options.keepalive_timeout = milliseconds(100);
  Client client(std::move(options));
  ASSERT_TRUE(client.Up(1));
  ASSERT_TRUE(client.link().Send(Beat(1)));
  ASSERT_TRUE(server.Messages(1));
  wire.Cut();
  ASSERT_TRUE(client.Down(1));
  EXPECT_EQ(client.downs[0].second.code(), base::Code::kUnavailable);
  ASSERT_TRUE(server.Detached(1));
  ASSERT_TRUE(client.Up(2));
  EXPECT_EQ(client.ups[1], server.url());
}

TEST(Link, ABadUrlIsAnErrorThatSaysHowToWriteOne) {
  class Nothing : public LinkEvents {
    void OnUp(const std::string&) override {}
    void OnMessage(ToWorker) override {}
    void OnDown(Was, const std::string&, const base::Status&, milliseconds) override {}
  } nothing;
  for (const char* url : {"", "shop", "ftp://a:1", "http://a", "http://a:b", "http://a:1/x"}) {
    const auto link = Link::Start({.urls = {url}}, nothing);
    ASSERT_FALSE(link.ok()) << url;
    EXPECT_NE(link.status().message().find("://HOST:PORT"), std::string::npos) << url;
  }
  EXPECT_FALSE(Link::Start({.urls = {}}, nothing).ok());
}

TEST(Hub, AnAddressInUseIsUnavailable) {
  Server server;
  const auto second = Hub::Start({.port = server.hub().port()}, server);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), base::Code::kUnavailable);
}

// Certificates made by the command `openssl`, in a folder of the test's own.
class Certificates {
 public:
  Certificates() {
    char name[] = "/tmp/ronda_link_test_XXXXXX";
    folder_ = mkdtemp(name);
    const std::string curve = "ec_paramgen_curve:prime256v1";
    OpenSsl({"req", "-x509", "-newkey", "ec", "-pkeyopt", curve, "-nodes", "-days", "2", "-subj",
             "/CN=test-ca", "-keyout", Path("ca.key"), "-out", Path("ca.pem")});
    for (const std::string who : {"server", "worker"}) {
      OpenSsl({"req", "-newkey", "ec", "-pkeyopt", curve, "-nodes", "-subj", "/CN=" + who + "-7",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", Path(who + ".key"), "-out",
               Path(who + ".csr")});
      OpenSsl({"x509", "-req", "-in", Path(who + ".csr"), "-CA", Path("ca.pem"), "-CAkey",
               Path("ca.key"), "-CAcreateserial", "-days", "2", "-copy_extensions", "copy", "-out",
               Path(who + ".pem")});
    }
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string ca() const { return Path("ca.pem"); }
  [[nodiscard]] TlsFiles Of(const std::string& who) const {
    return {.certificate = Path(who + ".pem"), .key = Path(who + ".key")};
  }

 private:
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  static void OpenSsl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    ASSERT_EQ(posix_spawnp(&pid, "openssl", &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0) << testing::PrintToString(arguments);
  }
  std::string folder_;
};

TEST(Link, MutualTlsLetsInWhoeverShowsACertificateOfTheCa) {
  const Certificates certificates;
  HubOptions hub{.tls = certificates.Of("server")};
  hub.tls.ca = certificates.ca();
  Server server(std::move(hub));
  LinkOptions options = Client::Quick({server.url("https://")});
  options.tls.ca = certificates.ca();
  {
    Client without(options);
    ASSERT_TRUE(without.Down(2));
    EXPECT_TRUE(without.ups.empty());
  }
  options.tls = certificates.Of("worker");
  options.tls.ca = certificates.ca();
  Client with(options);
  ASSERT_TRUE(server.Attached(1));
  EXPECT_EQ(server.peers[0].certificate, "worker-7");
}

TEST(Link, AServerOfAnotherCaIsNotTrusted) {
  const Certificates certificates, others;
  Server server(HubOptions{.tls = certificates.Of("server")});
  LinkOptions options = Client::Quick({server.url("https://")});
  options.tls.ca = others.ca();
  Client client(options);
  ASSERT_TRUE(client.Down(2));
  EXPECT_TRUE(server.attached.empty());
}

TEST(Link, FilesThatAreMissingAreNamed) {
  Server server;
  const auto hub =
      Hub::Start({.tls = {.certificate = "/nowhere.pem", .key = "/nowhere.key"}}, server);
  ASSERT_FALSE(hub.ok());
  EXPECT_NE(hub.status().message().find("/nowhere"), std::string::npos);
  EXPECT_FALSE(Hub::Start({.tls = {.certificate = "/nowhere.pem"}}, server).ok());
  EXPECT_FALSE(Hub::Start({.tls = {.ca = "/nowhere.pem"}}, server).ok());
}

}  // namespace
}  // namespace ronda::wire::worker
