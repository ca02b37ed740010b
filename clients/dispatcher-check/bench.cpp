// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/bench.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/kj/duration.h"

namespace smsd::check {
namespace {

constexpr Milliseconds goodbye{500}, pause{20};

/// Attempt ids never repeat. A program may remember those of an earlier run, so they begin with the time.
AttemptId firstAttempt() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<AttemptId>(now.tv_sec) * 1'000'000 + static_cast<AttemptId>(now.tv_nsec) / 1000;
}

}  // namespace

Bench::Bench(kj::AsyncIoContext& io, const RunSettings& settings, Findings& findings)
    : io_(io),
      settings_(settings),
      findings_(findings),
      clock_(io.provider->getTimer()),
      lastAttempt_(firstAttempt()) {}

void Bench::begin(Activation activation) {
  if (activation != activation_) end();
  activation_ = activation;
  faultsBefore_ = findings_.total();
}

void Bench::keep() {
  std::erase_if(connections_, [this](auto& connection) {
    if (connection->ended()) drop(*connection);
    return connection->ended();
  });
  if (spoiled_ || connections_.empty() || findings_.total() != faultsBefore_) end();
}

void Bench::drop(CheckedConnection& connection) {
  sent_ += connection.watch().granted();
  connection.watch().count(outcomes_);
  connection.close();
}

void Bench::end() {
  for (auto& connection : connections_) drop(*connection);
  connections_.clear();
  drained_ = spoiled_ = false;
  if (!launch_) return;
  // A program that leaves by itself puts its modem in order.
  if (activation_ == Activation::socket) child().terminate();
  exits(goodbye);
  launch_ = nullptr;
}

CheckedConnection& Bench::start() {
  if (drained_) end();
  return startToQuit();
}

CheckedConnection& Bench::startToQuit() {
  if (!connections_.empty()) return *connections_.back();
  launch_ = std::make_unique<Launch>(io_, settings_, activation_, settings_.content);
  return connect();
}

CheckedConnection& Bench::startWith(const std::string& content) {
  end();
  spoil();
  launch_ = std::make_unique<Launch>(io_, settings_, activation_, content);
  return connect();
}

CheckedConnection& Bench::connect() {
  connections_.push_back(
      std::make_unique<CheckedConnection>(io_.waitScope, clock_, settings_, findings_, *launch_));
  return *connections_.back();
}

CheckedConnection& Bench::reconnect() {
  const Milliseconds end = clock_.now() + CheckedConnection::leavesWithin;
  for (;;) {
    CheckedConnection& next = connect();
    if (next.answersDescribe(settings_.startTimeout) || !next.ended() || child().ended() ||
        clock_.now() > end)
      return next;
    next.close();
    clock_.timer().afterDelay(duration(pause)).wait(io_.waitScope);
  }
}

bool Bench::exits(Milliseconds bound) {
  Child& child = launch_->child();
  child.over().exclusiveJoin(clock_.timer().afterDelay(duration(bound))).wait(io_.waitScope);
  return child.ended();
}

std::vector<AttemptId> Bench::newAttempts(std::size_t count) {
  std::vector<AttemptId> attempts(count);
  for (auto& attempt : attempts) attempt = newAttempt();
  return attempts;
}

void Bench::requireOutcomes() const {
  for (const auto& words : findings_.happened("one-outcome"))
    if (words.find("no outcome") != std::string::npos)
      throw Undecided("the program leaves SMS without an outcome, see `one-outcome`");
  if (findings_.has("stays-alive")) throw Undecided("the program ends at an SMS, see `stays-alive`");
}

void Bench::requireObedience() const {
  if (findings_.has("withheld") || findings_.has("begun-first"))
    throw Undecided("the program begins SMS that it must not begin, so that this check could send many SMS");
}

std::string Bench::witness() const {
  struct stat file {};
  if (settings_.witness.empty() || stat(settings_.witness.c_str(), &file) != 0) return {};
  return fmt::format("{} {} {}.{}", file.st_ino, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
}

}  // namespace smsd::check
