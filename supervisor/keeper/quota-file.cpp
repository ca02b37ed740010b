// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/quota-file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>

#include "common/files/regular-file.h"

namespace smsd::keeper {
namespace {

// "00000741426 00000000017\n": the day, the count. The length is fixed, so that one write replaces all of it.
constexpr int digits = 11;
constexpr std::size_t length = 2 * digits + 2;

}  // namespace

delivery::Quota::Used DayCount::read() const {
  std::error_code why;
  const auto content = files::readRegular(file_, length + 1, why, O_NOFOLLOW);
  if (why == std::errc::no_such_file_or_directory) return {};
  if (!content) fail(why);
  const char* text = content->c_str();
  delivery::Quota::Used used;
  auto number = [&text](int from, auto& value) {
    auto [end, error] = std::from_chars(text + from, text + from + digits, value);
    return error == std::errc() && end == text + from + digits;
  };
  bool whole = content->size() == length && text[digits] == ' ' && text[length - 1] == '\n' &&
               number(0, used.day) && number(digits + 1, used.count);
  return whole ? used : delivery::Quota::Used{};
}

void DayCount::write(delivery::Quota::Used used) {
  std::error_code why;
  if (fd_.get() < 0) fd_ = kj::AutoCloseFd(files::openRegular(file_, O_WRONLY | O_CREAT | O_NOFOLLOW, why));
  if (fd_.get() < 0) fail(why);
  auto text = fmt::format("{:0{}} {:0{}}\n", used.day, digits, used.count, digits);
  const ssize_t put = ::pwrite(fd_.get(), text.data(), text.size(), 0);
  if (put >= 0 && put != ssize_t(length)) errno = ENOSPC;
  if (put != ssize_t(length)) fail({errno, std::generic_category()});
}

void DayCount::fail(std::error_code why) const { throw std::system_error(why, file_.string()); }

}  // namespace smsd::keeper
