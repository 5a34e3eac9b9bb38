// SPDX-License-Identifier: Apache-2.0
#include "tools/live_terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace netbinder::tools {

namespace {

constexpr std::string_view kBegin = "\x1b[?1049h\x1b[?25l";  // the other screen; no cursor
constexpr std::string_view kEnd = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kToEndOfLine = "\x1b[K";
constexpr std::string_view kBelow = "\x1b[J";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";

sigset_t watched() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) {
    ::sigaddset(&set, signal);
  }
  return set;
}

void put(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace

bool LiveTerminal::is_there() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

PageSize LiveTerminal::size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    return {.rows = 24, .columns = 80};
  }
  return {.rows = size.ws_row, .columns = size.ws_col};
}

LiveTerminal::LiveTerminal() {
  const sigset_t set = watched();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) {
    throw std::runtime_error(std::string("the terminal cannot be used: ") + std::strerror(errno));
  }
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  take();
}

LiveTerminal::~LiveTerminal() {
  give_back();
  ::close(signals_);
}

void LiveTerminal::take() {
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  put(kBegin);
}

void LiveTerminal::give_back() {
  put(kEnd);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

void LiveTerminal::stop_for_now() {
  give_back();
  ::raise(SIGSTOP);
  take();
}

void LiveTerminal::show(const std::vector<std::string>& lines) {
  std::string text(kHome);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) text += "\r\n";
    const bool head = i == 0 || lines[i - 1].empty();
    if (head) text += kBold;
    text += lines[i];
    if (head) text += kPlain;
    text += kToEndOfLine;
  }
  text += kBelow;
  put(text);
}

LiveTerminal::Woken LiveTerminal::wait(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(seconds));
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return Woken::kTime;
    pollfd what[] = {{.fd = signals_, .events = POLLIN, .revents = 0},
                     {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
    if (::poll(what, 2, static_cast<int>(left)) < 0 && errno != EINTR) return Woken::kToEnd;
    signalfd_siginfo info{};
    while (::read(signals_, &info, sizeof info) == sizeof info) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGWINCH) return Woken::kResized;
      if (signal == SIGTSTP) {
        stop_for_now();
        return Woken::kResized;
      }
      ended_by_ = signal;
      return Woken::kToEnd;
    }
    if (what[1].revents == 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) return Woken::kToEnd;  // it has been hung up
    if (key == 'q' || key == 'Q') return Woken::kToEnd;
  }
}

}  // namespace netbinder::tools
