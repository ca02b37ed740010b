// SPDX-License-Identifier: GPL-3.0-or-later
// Takes the place of smsd at intake.sock: a queue in a file, and faults on request.
//
//   intake-stand-in SOCKET FOLDER
//
// Appends a line of JSON to FOLDER/alerts.jsonl for each message that it takes, before it answers, and reads
// that file again when it starts. FOLDER/mode has the words for its behaviour, read at each call: `problem`
// (its queue is away), `slow MS`, `hang`, `break` (takes the alerts, and ends the connection without an
// answer), `break-once`, `left` (what is to be cancelled has left already), `refuse`, `rate`. The groups are
// ops (two numbers) and night (one).
#include <capnp/message.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <proto/intake.capnp.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "common/rpc/channel.h"
#include "common/text/number-form.h"

namespace smsd::stand_in {
namespace {

using Json = nlohmann::ordered_json;

class Queue {
 public:
  explicit Queue(std::filesystem::path file) : file_(std::move(file)) {
    std::ifstream before(file_);
    for (std::string line; std::getline(before, line);) {
      const auto one = Json::parse(line, nullptr, false);
      if (one.is_discarded()) continue;
      ++last_;
      keys_[{one.value("number", ""), one.value("key", "")}] = last_;
    }
    out_.open(file_, std::ios::app);
  }
  /// The id of the message with this key; 0: none.
  std::int64_t find(const std::string& number, const std::string& key) const {
    const auto found = keys_.find({number, key});
    return key.empty() || found == keys_.end() ? 0 : found->second;
  }
  std::int64_t put(const std::string& number, proto::Alert::Reader alert) {
    const std::string key = alert.getKey().cStr();
    keys_[{number, key}] = ++last_;
    out_ << Json{{"number", number},
                 {"text", alert.getText().cStr()},
                 {"severity", alert.getSeverity()},
                 {"key", key},
                 {"cancels", alert.getCancels().cStr()},
                 {"expires_in", alert.getExpiresIn()},
                 {"label", alert.getLabel().cStr()}}
                .dump()
         << std::endl;
    return last_;
  }

 private:
  std::filesystem::path file_;
  std::ofstream out_;
  std::map<std::pair<std::string, std::string>, std::int64_t> keys_;
  std::int64_t last_ = 0;
};

class Mode {
 public:
  explicit Mode(std::filesystem::path file) : file_(std::move(file)) {}
  void read() {
    std::ifstream in(file_);
    words_.clear();
    for (std::string word; in >> word;) words_.push_back(word);
  }
  bool has(const char* word) const { return std::find(words_.begin(), words_.end(), word) != words_.end(); }
  int after(const char* word) const {
    const auto at = std::find(words_.begin(), words_.end(), word);
    return at == words_.end() || at + 1 == words_.end() ? 0 : std::stoi(*(at + 1));
  }
  void clear() { std::ofstream(file_, std::ios::trunc); }

 private:
  std::filesystem::path file_;
  std::vector<std::string> words_;
};

class StandIn final : public proto::Intake::Server, public kj::TaskSet::ErrorHandler {
 public:
  StandIn(kj::Timer& timer, std::filesystem::path folder)
      : timer_(timer),
        queue_(folder / "alerts.jsonl"),
        mode_(folder / "mode"),
        calls_(folder / "calls"),
        tasks_(*this) {}

  kj::Promise<void> submit(SubmitContext context) override {
    mode_.read();
    std::ofstream(calls_, std::ios::app) << context.getParams().getAlerts().size() << std::endl;
    if (mode_.has("hang")) return kj::NEVER_DONE;
    if (mode_.has("slow"))
      return timer_.afterDelay(mode_.after("slow") * kj::MILLISECONDS).then([this, context]() mutable {
        return take(context);
      });
    return take(context);
  }
  kj::Promise<void> ready(ReadyContext context) override {
    mode_.read();
    if (mode_.has("hang")) return kj::NEVER_DONE;
    if (mode_.has("problem")) context.getResults().setProblem("the queue cannot be reached");
    return kj::READY_NOW;
  }

  void open(kj::Own<kj::AsyncIoStream> stream, proto::Intake::Client self) {
    channels_.push_back(rpc::Channel::serve(kj::mv(stream), kj::mv(self)));
    const auto place = std::prev(channels_.end());
    tasks_.add((*place)->disconnected().then([this, place, number = breaks_]() {
      if (number == breaks_)
        tasks_.add(kj::evalLater([this, place, number]() {
          if (number == breaks_) channels_.erase(place);
        }));
    }));
  }

 private:
  void taskFailed(kj::Exception&&) override {}

  kj::Promise<void> take(SubmitContext context) {
    auto results = context.getResults();
    if (mode_.has("problem")) {
      results.setProblem("the queue cannot be reached");
      results.setRetryAfter(7);
      return kj::READY_NOW;
    }
    const auto alerts = context.getParams().getAlerts();
    auto fates = results.initFates(alerts.size());
    for (unsigned at = 0; at < alerts.size(); ++at) judge(alerts[at], fates[at]);
    if (!mode_.has("break") && !mode_.has("break-once")) return kj::READY_NOW;
    if (mode_.has("break-once")) mode_.clear();
    ++breaks_;
    tasks_.add(kj::evalLater([this]() { channels_.clear(); }));
    return kj::NEVER_DONE;
  }

  static std::vector<std::string> numbersOf(proto::Alert::Reader alert) {
    if (alert.getTo().isGroup()) {
      if (alert.getTo().getGroup() == "ops") return {"+4790000001", "+4790000002"};
      if (alert.getTo().getGroup() == "night") return {"+4790000003"};
      return {};
    }
    const std::string digits = text::numberForm(alert.getTo().getRecipient().cStr());
    return digits.empty() ? std::vector<std::string>() : std::vector<std::string>{"+" + digits};
  }

  static void refuse(proto::Fate::Builder fate, proto::Refusal refusal, const char* why) {
    fate.setResult(proto::Fate::Result::REFUSED);
    fate.setRefusal(refusal);
    fate.setWhy(why);
  }

  void judge(proto::Alert::Reader alert, proto::Fate::Builder fate) {
    const auto numbers = numbersOf(alert);
    if (mode_.has("rate")) {
      fate.setRetryAfter(3);
      return refuse(fate, proto::Refusal::RATE, "this user has sent too many messages");
    }
    if (mode_.has("refuse")) return refuse(fate, proto::Refusal::NOT_ALLOWED, "this user may not send that");
    if (numbers.empty())
      return alert.getTo().isGroup() ? refuse(fate, proto::Refusal::GROUP, "there is no such group")
                                     : refuse(fate, proto::Refusal::RECIPIENT, "this is no number");
    auto ids = fate.initMessages(static_cast<unsigned>(numbers.size()));
    auto names = fate.initRecipients(static_cast<unsigned>(numbers.size()));
    for (unsigned at = 0; at < numbers.size(); ++at) {
      names.set(at, numbers[at].c_str());
      const auto earlier = queue_.find(numbers[at], alert.getKey().cStr());
      const auto cancelled = mode_.has("left") ? 0 : queue_.find(numbers[at], alert.getCancels().cStr());
      if (earlier > 0) {
        fate.setResult(proto::Fate::Result::DUPLICATE);
        ids.set(at, earlier);
      } else if (cancelled > 0) {
        fate.setResult(proto::Fate::Result::CANCELLED);
        ids.set(at, cancelled);
      } else if (alert.getText().size() == 0) {
        fate.setResult(proto::Fate::Result::NOT_SENT);
      } else {
        ids.set(at, queue_.put(numbers[at], alert));
      }
    }
  }

  kj::Timer& timer_;
  Queue queue_;
  Mode mode_;
  std::filesystem::path calls_;  // a line for each call: its alerts
  unsigned breaks_ = 0;
  std::list<kj::Own<rpc::Channel>> channels_;
  kj::TaskSet tasks_;
};

kj::Promise<void> serve(kj::ConnectionReceiver& socket, StandIn& server, proto::Intake::Client self) {
  return socket.accept().then([&socket, &server, self](kj::Own<kj::AsyncIoStream> stream) mutable {
    server.open(kj::mv(stream), self);
    return serve(socket, server, kj::mv(self));
  });
}

}  // namespace
}  // namespace smsd::stand_in

int main(int argc, char** argv) {
  using namespace smsd::stand_in;
  if (argc != 3) return 64;
  auto io = kj::setupAsyncIo();
  std::filesystem::remove(argv[1]);
  auto address = io.provider->getNetwork().parseAddress(kj::str("unix:", argv[1])).wait(io.waitScope);
  auto own = kj::heap<StandIn>(io.provider->getTimer(), argv[2]);
  StandIn& server = *own;
  smsd::proto::Intake::Client self(kj::mv(own));
  auto socket = address->listen();
  serve(*socket, server, self).wait(io.waitScope);
}
