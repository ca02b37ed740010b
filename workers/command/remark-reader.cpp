// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/remark-reader.h"

#include <fmt/format.h>

#include "workers/command/output-lines.h"

namespace smsd::command {
namespace {

/// The reading of one stream.
struct Errors {
  kj::Own<kj::AsyncInputStream> stream;
  OutputLines lines{mostRemark + mostSecret, TooLong::cut};
  char buffer[4096];
};

template <typename F>
kj::Promise<void> readOn(Errors& errors, F take) {
  return errors.stream->tryRead(errors.buffer, 1, sizeof errors.buffer)
      .then([&errors, take](std::size_t got) -> kj::Promise<void> {
        if (got == 0) {
          if (!errors.lines.rest().empty()) take(errors.lines.rest());
          return kj::READY_NOW;
        }
        errors.lines.feed({errors.buffer, got}, take);
        return readOn(errors, take);
      });
}

}  // namespace

RemarkBudget::Time RemarkReader::now() const {
  return RemarkBudget::Time((timer_.now() - kj::origin<kj::TimePoint>()) / kj::MILLISECONDS);
}

kj::Promise<void> RemarkReader::read(kj::Own<kj::AsyncInputStream> errors) {
  auto reading = kj::heap<Errors>();
  reading->stream = kj::mv(errors);
  auto done = readOn(*reading, [this](const std::string& line) { write(line); });
  return done.attach(kj::mv(reading));
}

void RemarkReader::write(std::string_view line) {
  if (!budget_.admits(now())) return;
  if (const auto leftOut = budget_.takeLeftOut(); leftOut > 0)
    journal::Entry(journal::Level::warning,
                   fmt::format("program: {} lines were left out, because it writes more than {} in a second",
                               leftOut, RemarkBudget::perSecond))
        .write();
  std::string shown(line);
  hiding_.hideIn(shown);
  const Remark remark = readRemark(shown);
  if (remark.text.empty()) return;
  journal::Entry(remark.level, "program: " + remark.text).write();
}

}  // namespace smsd::command
