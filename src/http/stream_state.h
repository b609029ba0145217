#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "http/stream.h"

namespace ronda::http {

// What writers of a stream and its connection share. Any thread.
class Stream::State {
 public:
  // `wake` tells the connection that something is to be sent; it is called under the lock, and only
  // posts. Forgotten when the stream is gone.
  State(std::size_t most, std::function<void()> wake) : most_(most), wake_(std::move(wake)) {}

  Written Write(std::string_view bytes);
  void End();
  [[nodiscard]] bool gone() const;
  void OnGone(std::function<void()> then);

  // The connection's side. What waits to be sent; it counts as pending until the next call.
  [[nodiscard]] std::string Take();
  [[nodiscard]] bool ended() const;
  // Nobody reads any more.
  void Close();

 private:
  void Wake();  // with mutex_ held

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::function<void()> wake_;  // guarded by mutex_, as all that follows
  std::string pending_;
  std::size_t in_flight_ = 0;  // bytes taken and not sent yet
  bool woken_ = false;  // since the last Take
  bool ended_ = false;
  bool gone_ = false;
  std::function<void()> on_gone_;
};

}  // namespace ronda::http
