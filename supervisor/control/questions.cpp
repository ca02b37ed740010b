// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/questions.h"

#include <fmt/format.h>

#include "common/fault.h"
#include "common/journal/journal.h"

namespace smsd::control {
namespace {

constexpr auto keptFor = 5 * kj::SECONDS;  // the connection, without calls
constexpr unsigned mostOpen = 64;          // of all clients, while the queue does not answer

}  // namespace

proto::QueueFault wireFault(queue::QueueError::Kind kind) {
  using Kind = queue::QueueError::Kind;
  switch (kind) {
    case Kind::unreachable:
    case Kind::busy:
    case Kind::replaced:
      return proto::QueueFault::UNREACHABLE;
    case Kind::denied:
      return proto::QueueFault::DENIED;
    case Kind::notInstalled:
      return proto::QueueFault::NOT_INSTALLED;
    case Kind::invalid:
      return proto::QueueFault::INVALID;
    case Kind::fenced:
    case Kind::failed:
      break;
  }
  return proto::QueueFault::FAILED;
}

Questions::Questions(queue::QueueThread& queue, Connection connection, kj::Timer& timer,
                     std::function<std::string()> awayBecause)
    : queue_(queue),
      connection_(connection),
      timer_(timer),
      awayBecause_(std::move(awayBecause)),
      tasks_(*this) {}

std::string Questions::refused() {
  if (auto why = awayBecause_(); !why.empty()) return why;
  if (open_ >= mostOpen) return "too many requests wait for the queue already; try again later";
  return "";
}

void Questions::keep(kj::Promise<void> question) {
  ++open_;
  tasks_.add(question.attach(kj::defer([this]() {
    if (--open_ == 0)
      closing_ = timer_.afterDelay(keptFor)
                     .then([this]() {
                       if (open_ == 0) close();
                     })
                     .eagerlyEvaluate([](kj::Exception&&) {});
  })));
}

void Questions::close() {
  if (connection_ == Connection::ofItsOwn) tasks_.add(queue_.close());
}

void Questions::taskFailed(kj::Exception&& exception) {
  journal::Entry(journal::Level::warning, fmt::format("control: {}", faultOf(exception))).write();
}

}  // namespace smsd::control
