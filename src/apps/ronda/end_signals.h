#pragma once

#include <pthread.h>
#include <signal.h>

namespace ronda::apps {

// SIGINT and SIGTERM, waited for by the thread that made this; threads made later do not see them.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  // After the first one the next ends the process at once: nothing that was acknowledged is lost.
  void Await() {
    int which = 0;
    sigwait(&set_, &which);
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }

 private:
  sigset_t set_;
};

}  // namespace ronda::apps
