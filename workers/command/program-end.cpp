// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/program-end.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace smsd::command {
namespace {

const char* adviceFor(int error) {
  if (error == EACCES)
    return "; its mode and the interpreter of its #! line have to allow it, and `runtime` or `executable` "
           "has to name the interpreter";
  if (error == ENOENT) return "; the file or the interpreter of its #! line is missing";
  return "";
}

kit::Outcome outcomeOfStatus(int status, std::string words, const std::string& firstLine) {
  std::string reason = firstLine.empty() ? words : firstLine;
  switch (status) {
    case EX_OK:
      return kit::Accepted{firstLine};
    case EX_DATAERR:
      return kit::Refused{std::move(reason)};
    case EX_TEMPFAIL:
      return kit::Deferred{std::move(reason)};
    case EX_UNAVAILABLE:
    case EX_CONFIG:
      return kit::Broken{std::move(reason)};
    default:
      return kit::Unknown{firstLine.empty() ? std::move(words) : words + ": " + firstLine};
  }
}

}  // namespace

std::string describe(const ProgramEnd& end) {
  switch (end.how) {
    case ProgramEnd::How::exited:
      return fmt::format("the program ended with status {}", end.value);
    case ProgramEnd::How::signalled:
      return fmt::format("the program was ended by signal {} ({})", end.value, ::strsignal(end.value));
    case ProgramEnd::How::notExecuted:
      return fmt::format("the program cannot be executed: {}{}", std::strerror(end.value),
                         adviceFor(end.value));
    case ProgramEnd::How::notStarted:
      return fmt::format("the program was not started: {}", std::strerror(end.value));
    case ProgramEnd::How::lost:
      break;
  }
  return "the program's end is not known";
}

kit::Outcome outcomeOf(const ProgramEnd& end, const std::string& firstLine) {
  switch (end.how) {
    case ProgramEnd::How::exited:
      return outcomeOfStatus(end.value, describe(end), firstLine);
    case ProgramEnd::How::notExecuted:
      return kit::Broken{describe(end)};
    case ProgramEnd::How::notStarted:
      return kit::Deferred{describe(end)};
    case ProgramEnd::How::signalled:
    case ProgramEnd::How::lost:
      break;
  }
  return kit::Unknown{describe(end)};
}

}  // namespace smsd::command
