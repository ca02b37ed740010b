#include "supervisor/keeper/day-count.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>

namespace smsd::keeper {
namespace {

// "00000741426 00000000017\n": the day, the count. Always as long, so that one write replaces it whole.
constexpr int digits = 11;
constexpr std::size_t length = 2 * digits + 2;

}  // namespace

Quota::Used DayCount::read() const {
  kj::AutoCloseFd fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd.get() < 0 && errno == ENOENT) return {};
  if (fd.get() < 0) fail();
  char text[length + 1];
  const ssize_t got = ::read(fd.get(), text, sizeof text);
  if (got < 0) fail();
  Quota::Used used;
  auto number = [&text](int from, auto& value) {
    auto [end, error] = std::from_chars(text + from, text + from + digits, value);
    return error == std::errc() && end == text + from + digits;
  };
  bool whole = got == ssize_t(length) && text[digits] == ' ' && text[length - 1] == '\n' &&
               number(0, used.day) && number(digits + 1, used.count);
  return whole ? used : Quota::Used{};
}

void DayCount::write(Quota::Used used) {
  if (fd_.get() < 0)
    fd_ = kj::AutoCloseFd(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (fd_.get() < 0) fail();
  auto text = fmt::format("{:0{}} {:0{}}\n", used.day, digits, used.count, digits);
  const ssize_t put = ::pwrite(fd_.get(), text.data(), text.size(), 0);
  if (put >= 0 && put != ssize_t(length)) errno = ENOSPC;
  if (put != ssize_t(length)) fail();
}

void DayCount::fail() const { throw std::system_error(errno, std::generic_category(), file_.string()); }

}  // namespace smsd::keeper
