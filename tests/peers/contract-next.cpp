// SPDX-License-Identifier: GPL-3.0-or-later
// The two sides of a made-up next version of the protocol, built from the schema that next-contract.py makes
// of today's: every message has more in it than a program of today knows. For tests/scenario/versions.py;
// contract-sides.h has its arguments.
//
// The recipient decides about the outcome: +4711 gets an outcome, +4712 a report of a kind that today's
// contract does not have, and at +4713 the worker ends by itself for such a cause. A dispatcher named
// `strict` works with no version before its own.
#include <sysexits.h>
#include <unistd.h>

#include "tests/peers/contract-sides.h"

namespace {

using namespace smsd;

class WorkerOfNext final : public contract::Worker {
 public:
  explicit WorkerOfNext(std::string name) : name_(std::move(name)) {}

 protected:
  void introduce(proto::Description::Builder description) override {
    description.setOldest(name_ == "strict" ? proto::VERSION : proto::OLDEST_VERSION);
    description.setNext("more");
  }
  kj::Promise<void> health(HealthContext context) override {
    auto health = context.getResults().initHealth();
    health.setNextWay("almost");
    auto details = health.initDetails(1);
    details[0].setName("fact");
    details[0].setValue("known");
    details[0].setNext("more");
    return kj::READY_NOW;
  }
  void conclude(proto::Report::Builder report, const std::string& recipient) override {
    report.setNext("more");
    if (recipient == "+4712") return report.setNextWay("halfway");
    auto outcome = report.initOutcome();
    outcome.setNext("more");
    if (recipient == "+4711") return outcome.setNextWay("perhaps");
    leaves_ = leaves_ || recipient == "+4713";
    outcome.setAccepted(recipient.c_str());
  }
  /// Ends the process when its last words are written, and nothing else is left to do.
  void concluded() override {
    if (!leaves_) return;
    end_->fulfill();
    left_ = kj::evalLast([]() { ::_exit(EX_TEMPFAIL); }).eagerlyEvaluate(nullptr);
  }
  kj::Promise<void> lastWords(LastWordsContext context) override {
    auto ends = kj::newPromiseAndFulfiller<void>();
    end_ = kj::mv(ends.fulfiller);
    return ends.promise.then([context]() mutable {
      context.getResults().setWords("a reason of the next version");
      context.getResults().setCause(proto::Cause::NEXT_WAY);
    });
  }
  kj::Promise<void> next(NextContext context) override {
    context.getResults().setWords("more");
    return kj::READY_NOW;
  }

 private:
  std::string name_;
  bool leaves_ = false;
  kj::Own<kj::PromiseFulfiller<void>> end_;
  kj::Promise<void> left_ = kj::READY_NOW;
};

class SupervisorOfNext final : public contract::Supervisor {
  void meet(proto::Dispatcher::Client worker, proto::Description::Reader description,
            kj::WaitScope& scope) override {
    KJ_REQUIRE(description.getVersion() == proto::VERSION - 1);
    KJ_REQUIRE(description.getOldest() <= proto::VERSION);
    auto answer = worker.nextRequest().send().then(
        [](auto) { return "known"; },
        [](kj::Exception&& e) {
          return e.getType() == kj::Exception::Type::UNIMPLEMENTED ? "not known" : "failed";
        });
    std::printf("the next method is %s\n", kj::mv(answer).wait(scope));
  }
  void add(proto::Sms::Builder sms) override {
    sms.setEncoding(proto::Encoding::NEXT_WAY);
    sms.setNext("more");
  }
};

}  // namespace

int main(int argc, char** argv) {
  SupervisorOfNext supervisor;
  return contract::run(
      argc, argv, [](const char* name) { return kj::heap<WorkerOfNext>(name); }, supervisor);
}
