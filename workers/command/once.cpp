// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/once.h"

#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "workers/command/lines.h"
#include "workers/command/output-lines.h"

namespace smsd::command {
namespace {

/// Bytes of a program's first line that may be shown: more than a reference or a reason may have.
constexpr std::size_t mostFirstLine = 1024;

/// Reads the output to its end, and keeps the first line.
struct Output {
  kj::Own<kj::AsyncInputStream> stream;
  OutputLines lines{mostFirstLine + mostSecret, TooLong::cut};
  std::optional<std::string> first{};
  char buffer[4096];
};

kj::Promise<std::string> firstLineOf(Output& output) {
  return output.stream->tryRead(output.buffer, 1, sizeof output.buffer)
      .then([&output](std::size_t got) -> kj::Promise<std::string> {
        if (got == 0) return output.first ? *output.first : output.lines.rest();
        // Read on after the first line: a program that cannot write would be ended by a signal.
        output.lines.feed({output.buffer, got}, [&output](std::string&& line) {
          if (!output.first) output.first = std::move(line);
        });
        return firstLineOf(output);
      });
}

kj::Promise<void> write(kj::Own<kj::AsyncOutputStream> input, const kit::Job& job) {
  auto line = kj::heap(smsLine(job));
  auto written = input->write(line->data(), line->size());
  // A program may end without reading its input.
  return written.attach(kj::mv(line), kj::mv(input)).catch_([](kj::Exception&&) {});
}

}  // namespace

OnceMode::OnceMode(kj::AsyncIoContext& io, StarterClient& starter, const net::Hiding& hiding)
    : timer_(io.provider->getTimer()),
      starter_(starter),
      hiding_(hiding),
      remarks_(timer_, hiding),
      tasks_(*this) {}

kj::Promise<kit::Outcome> OnceMode::send(kit::Job job) {
  RunningProgram program;
  try {
    program = starter_.start(environmentOf(job));
  } catch (const std::system_error& e) {  // no more files
    return kit::Outcome(kit::Deferred{std::string("the program was not started: ") + e.what()});
  }
  tasks_.add(write(kj::mv(program.input), job));
  tasks_.add(remarks_.read(kj::mv(program.errors)));
  auto output = kj::heap<Output>();
  output->stream = kj::mv(program.output);
  auto reading = firstLineOf(*output);
  auto firstLine = reading.attach(kj::mv(output)).eagerlyEvaluate(nullptr);
  // The output ends when the last process of the program has.
  auto outcome = program.ended.then([this, firstLine = kj::mv(firstLine)](const ProgramEnd& end) mutable {
    return firstLine.then([this, end](std::string line) {
      kit::Outcome found = outcomeFrom(end, std::move(line));
      ended();
      return found;
    });
  });
  ++running_;
  auto done = outcome.fork();
  tasks_.add(done.addBranch().ignoreResult());
  return done.addBranch().exclusiveJoin(
      timer_.afterDelay(static_cast<std::uint64_t>(job.deadline.count()) * kj::MILLISECONDS)
          .then([this, id = program.id]() {
            starter_.kill(id);
            lastEnd_ = "killed at its deadline";
            return kit::Outcome(kit::Unknown{"the program did not end by the deadline and was killed"});
          }));
}

kit::Outcome OnceMode::outcomeFrom(const ProgramEnd& end, std::string firstLine) {
  lastEnd_ = command::describe(end);
  if (end.how == ProgramEnd::How::notExecuted) stale_ = lastEnd_;
  hiding_.hideIn(firstLine);
  return outcomeOf(end, firstLine);
}

void OnceMode::ended() {
  if (--running_ > 0 || stale_.empty()) return;
  tasks_.add(kj::evalLast([this]() {  // when the outcome is reported
    if (running_ == 0) spent_.fulfiller->fulfill(std::string(stale_));
  }));
}

void OnceMode::taskFailed(kj::Exception&& exception) {
  journal::Entry(journal::Level::error, faultOf(exception)).write();
}

}  // namespace smsd::command
