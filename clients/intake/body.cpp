// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/body.h"

#include <algorithm>

namespace smsd::webintake {
namespace {

constexpr std::size_t atOnce = 64 * 1024;

class BodyReader {
 public:
  BodyReader(kj::AsyncInputStream& body, std::size_t most, BodyBudget& budget)
      : body_(body), most_(most), budget_(budget) {}
  ~BodyReader() { budget_.giveBack(taken_); }
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;

  kj::Promise<BodyRead> read() {
    KJ_IF_MAYBE (length, body_.tryGetLength()) {
      if (*length > most_) return refused(413, "the body is too large");
      // The client may declare more than it sends, so that only this much is taken for a word of it.
      read_.bytes.reserve(std::min(static_cast<std::size_t>(*length), atOnce) + 1);
    } else {
      most_ = std::min(most_, undeclared);
    }
    return more();
  }

 private:
  static BodyRead refused(unsigned status, const char* words) { return {{}, {status, words}}; }

  kj::Promise<BodyRead> more() {
    const std::size_t had = read_.bytes.size();
    // One byte beyond the bound shows that there is more.
    const std::size_t wanted = std::min(atOnce, most_ - had + 1);
    const std::size_t charged = had < atOnce ? 0 : wanted;
    if (!budget_.take(charged)) return refused(503, "too many large requests at the same time");
    taken_ += charged;
    read_.bytes.resize(had + wanted);
    return body_.tryRead(read_.bytes.data() + had, 1, wanted)
        .then([this, had, wanted, charged](std::size_t got) {
          read_.bytes.resize(had + got);
          const std::size_t unused = charged == 0 ? 0 : wanted - got;
          budget_.giveBack(unused);
          taken_ -= unused;
          if (got == 0) return kj::Promise<BodyRead>(std::move(read_));
          if (read_.bytes.size() > most_) return kj::Promise<BodyRead>(refused(413, "the body is too large"));
          return more();
        });
  }

  kj::AsyncInputStream& body_;
  std::size_t most_;
  BodyBudget& budget_;
  std::size_t taken_ = 0;
  BodyRead read_;
};

}  // namespace

kj::Promise<BodyRead> readBody(kj::AsyncInputStream& body, std::size_t most, BodyBudget& budget,
                               kj::Timer& timer) {
  auto reader = kj::heap<BodyReader>(body, most, budget);
  auto all = reader->read();
  return timer.timeoutAfter(bodyTime, kj::mv(all)).attach(kj::mv(reader));
}

}  // namespace smsd::webintake
