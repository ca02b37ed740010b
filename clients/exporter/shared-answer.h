// SPDX-License-Identifier: GPL-3.0-or-later
// One answer of smsd for all requests that come at about the same time.
//
// Owns the call in flight, or the last answer. So a flood of requests costs smsd one call in `fresh`, and the
// exporter has one connection to it for each page at most. Clients that go away do not end the call.
#pragma once

#include <kj/async.h>
#include <kj/debug.h>
#include <kj/function.h>
#include <kj/timer.h>

#include <utility>

#include "clients/exporter/page-source.h"

namespace smsd::exporter {

class SharedAnswer {
 public:
  using Ask = kj::Function<kj::Promise<HttpAnswer>()>;
  static constexpr auto fresh = 1 * kj::SECONDS;

  /// `ask` ends by itself after a while. It is not called before its last call has ended.
  SharedAnswer(const kj::Timer& timer, Ask ask) : timer_(timer), ask_(kj::mv(ask)) {}

  kj::Promise<HttpAnswer> get() {
    if (!asking_ && (last_ == nullptr || timer_.now() >= until_)) {
      asking_ = true;
      last_ = kj::evalNow([this]() { return ask_(); })
                  .attach(kj::defer([this]() {
                    asking_ = false;
                    until_ = timer_.now() + fresh;
                  }))
                  .fork();
    }
    return KJ_ASSERT_NONNULL(last_).addBranch();
  }

 private:
  const kj::Timer& timer_;
  Ask ask_;
  bool asking_ = false;
  kj::TimePoint until_ = kj::origin<kj::TimePoint>();
  kj::Maybe<kj::ForkedPromise<HttpAnswer>> last_;
};

}  // namespace smsd::exporter
