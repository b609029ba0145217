#include "apps/ronda/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/core/status.h"

namespace ronda::apps {
namespace {

using std::chrono::seconds;

constexpr seconds kPatience{40};
constexpr seconds kFirstPause{1}, kLongestPause{30};
// One that ran so long starts with the first pause again.
constexpr seconds kSettled{60};

}  // namespace

Child::Child(std::string name, std::vector<std::string> arguments,
             std::vector<std::pair<std::string, std::string>> environment, base::Log& log)
    : name_(std::move(name)),
      arguments_(std::move(arguments)),
      environment_(std::move(environment)),
      log_(log),
      thread_([this] { Keep(); }) {}

Child::~Child() { Stop(); }

// The thread that forks lives as long as the child: the kernel ends the child with it.
pid_t Child::Spawn() {
  std::vector<std::string> texts;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const std::string_view key = entry.substr(0, entry.find('='));
    const bool replaced = std::ranges::any_of(
        environment_, [&](const auto& variable) { return variable.first == key; });
    if (!replaced) texts.emplace_back(entry);
  }
  for (const auto& [key, value] : environment_) texts.push_back(key + "=" + value);
  std::vector<char*> environment, arguments;
  for (std::string& text : texts) environment.push_back(text.data());
  environment.push_back(nullptr);
  std::vector<std::string> words = arguments_;
  words.insert(words.begin(), "ronda");
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  // Only what is safe between fork and exec.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  execve("/proc/self/exe", arguments.data(), environment.data());
  _exit(127);
}

void Child::Keep() {
  auto pause = kFirstPause;
  for (;;) {
    const auto begun = std::chrono::steady_clock::now();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      pid_ = Spawn();
      if (pid_ < 0) log_.Error(name_ + " cannot be started: " + std::strerror(errno));
    }
    int status = 0;
    while (pid_ > 0 && waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    std::unique_lock lock(mutex_);
    pid_ = -1;
    stop_.notify_all();
    if (stopping_) return;
    if (std::chrono::steady_clock::now() - begun > kSettled) pause = kFirstPause;
    log_.Warning(name_ + " ended (" +
                 (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                      : "exit code " + std::to_string(WEXITSTATUS(status))) +
                 "); it is started again");
    if (stop_.wait_for(lock, pause, [&] { return stopping_; })) return;
    pause = std::min(pause * 2, kLongestPause);
  }
}

void Child::Stop() {
  {
    std::unique_lock lock(mutex_);
    if (!stopping_) {
      stopping_ = true;
      stop_.notify_all();
      if (pid_ > 0) kill(pid_, SIGTERM);
    }
    if (!stop_.wait_for(lock, kPatience, [&] { return pid_ < 0; }) && pid_ > 0) {
      log_.Warning(name_ + " does not end; it is killed");
      kill(pid_, SIGKILL);
    }
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace ronda::apps
