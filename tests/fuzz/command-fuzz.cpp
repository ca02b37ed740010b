// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as the output of a program (libFuzzer).
//
// The pieces in which the bytes arrive, 0x1E, the output. Whatever it is: its lines are the same in whatever
// pieces it arrives, none is longer than its bound, and what is read of a line has the shape that lines.h
// says. A reason why a line does not fit is printable and quotes nothing of it.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "common/text/utf.h"
#include "tests/fuzz/demand.h"
#include "workers/command/lines.h"
#include "workers/command/output-lines.h"
#include "workers/command/remarks.h"

namespace {

using namespace smsd::command;
using smsd::fuzz::demand;

std::vector<std::string> linesOf(std::string_view output, std::string_view pieces, TooLong tooLong,
                                 std::size_t most) {
  OutputLines lines(most, tooLong);
  std::vector<std::string> found;
  for (std::size_t n = 0; !output.empty(); ++n) {
    const std::size_t piece =
        pieces.empty() ? output.size() : 1 + std::size_t(std::uint8_t(pieces[n % pieces.size()]));
    if (!lines.feed(output.substr(0, piece), [&](std::string&& line) { found.push_back(line); }))
      return found;
    output.remove_prefix(std::min(piece, output.size()));
  }
  found.push_back(lines.rest());
  return found;
}

void checkReason(const std::string& reason) {
  demand("there is a reason, and it is smsd's own",
         !reason.empty() && reason.size() < 120 && smsd::text::printable(reason) == reason);
}

void checkLine(const std::string& line) {
  auto greeting = readGreeting(line);
  if (auto* read = std::get_if<Greeting>(&greeting))
    demand("a window has bounds", read->window >= 1 && read->window <= mostWindow);
  else
    checkReason(std::get<Misfit>(greeting).reason);
  auto read = readLine(line);
  if (auto* misfit = std::get_if<Misfit>(&read)) checkReason(misfit->reason);
  if (auto* outcome = std::get_if<OutcomeLine>(&read)) {
    demand("an outcome has an id", !outcome->id.empty() && outcome->id.size() <= line.size());
    if (auto* deferred = std::get_if<smsd::kit::Deferred>(&outcome->outcome))
      demand("a wait has bounds", deferred->after.count() >= 0 && deferred->after <= std::chrono::hours(24));
  }
  const Remark remark = readRemark(line);
  demand("a remark is one short line",
         remark.text.size() <= mostRemark && smsd::text::printable(remark.text) == remark.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(bytes.find('\x1e'), bytes.size());
  const std::string_view pieces = bytes.substr(0, cut);
  const std::string_view output = bytes.substr(std::min(cut + 1, bytes.size()));
  for (auto tooLong : {TooLong::refused, TooLong::cut}) {
    const auto lines = linesOf(output, pieces, tooLong, 64);
    demand("pieces do not matter", lines == linesOf(output, {}, tooLong, 64));
    for (auto& line : lines) demand("a line has a bound", line.size() <= 64);
  }
  for (auto& line : linesOf(output, pieces, TooLong::cut, mostLine)) checkLine(line);
  return 0;
}
