// SPDX-License-Identifier: GPL-3.0-or-later
// The debug dispatcher: sends nothing, records each SMS instead, and misbehaves on request.
//
// Owns its output file. The quickstart shows it, operators try formatting and failover with it, and the
// scenario tests make it fail on purpose: it can report every outcome, also late, twice or for another
// attempt, and it can die.
#pragma once

#include <kj/io.h>

#include <deque>
#include <optional>

#include "workers/kit/dispatcher.h"

namespace smsd::debug {

enum class Result { accept, refuse, defer, broken, unknown, crash, hang, freeze, slow, lie };

/// The kinds of `lie`. The supervisor has to detect each breach of the contract.
enum class Lie {
  stranger,   // an outcome for an attempt that was never handed over
  former,     // an outcome for the previous attempt, which another generation or dispatcher had
  twice,      // two outcomes for one attempt
  again,      // begun, repeated for ever, and never an outcome
  flood,      // outcomes without end, 50,000 at a time
  verbose,    // a reason of a megabyte
  garbage,    // bytes that are no message
  half,       // half a message, and then silence
  nothing,    // a report of nothing
  untouched,  // each SMS returned untouched, for ever
};

/// A rule for some SMS: the first that matches decides instead of `result`.
struct When {
  std::string recipient;  // empty: any
  std::string text;       // contained in the SMS; empty: any
  Result result = Result::accept;
  int times = 0;  // how often the rule applies; 0: always
};

struct Settings {
  Result result = Result::accept;
  Lie lie = Lie::stranger;
  std::vector<When> when;
  std::filesystem::path file;
  std::filesystem::path condition;
  config::Milliseconds delay{0};
  config::Milliseconds startDelay{0};
  int window = 16;
  int backlog = 16;
  int after = 0;
  bool knowsKeys = false;
};

class DebugDispatcher final : public kit::Dispatcher {
 public:
  void declare(config::Keys& keys) override;
  sandbox::Policy policy() override;
  kj::Promise<void> start(kj::AsyncIoContext& io) override;
  kit::Traits traits() const override;
  kj::Promise<kit::Outcome> send(kit::Job job) override;
  kj::Promise<kit::Condition> health() override;
  void attach(kit::RawReports& raw) override { raw_ = &raw; }

 private:
  Result resultFor(const kit::Job& job);
  void write(const kit::Job& job);
  kj::Promise<kit::Outcome> answer(Result result, const kit::Job& job);
  kj::Promise<kit::Outcome> lie(const kit::Job& job);

  Settings settings_;
  kj::Timer* timer_ = nullptr;
  kit::RawReports* raw_ = nullptr;
  kj::AutoCloseFd file_;
  bool torn_ = false;  // the last line of `file_` is incomplete, because the disk was full
  kj::AutoCloseFd condition_;
  int seen_ = 0;
};

}  // namespace smsd::debug
