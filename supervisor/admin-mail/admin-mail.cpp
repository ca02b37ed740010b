// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/admin-mail/admin-mail.h"

#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>

#include <utility>

#include "common/kj/duration.h"

namespace smsd::admin_mail {
namespace {

// The bit that marks attempt ids of mails. Ids from the queue count up from 1 and never have it. (Bit 63 is
// for test SMS.)
constexpr std::uint64_t ourAttempts = std::uint64_t(1) << 62;
constexpr unsigned bitsOfCount = 16;
// The delay before a failed mail is tried again: shorter than the pace, longer than the dispatcher's own
// probe.
constexpr delivery::Backoff again{10s, 2, 10min};
// How long the end of the daemon waits for a mail.
constexpr auto lastPatience = 5 * kj::SECONDS;

std::uint64_t unixMilliseconds() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Milliseconds>(now).count());
}

void replaceAll(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

}  // namespace

AdminMail::AdminMail(kj::Timer& timer, const config::AdminMailConfig& config, events::EventLog& events,
                     const std::string& host, const std::string& name,
                     const std::filesystem::path& stateDirectory)
    : timer_(timer),
      config_(config),
      events_(events),
      host_(host),
      name_(name),
      waiting_(static_cast<std::size_t>(config.lines)),
      started_(unixMilliseconds()),
      pace_(config.interval, stateDirectory / "admin-mail", timer.now()),
      due_(timer, [this]() { send(); }) {}

void AdminMail::use(std::unique_ptr<keeper::Keeper> keeper) { keeper_ = std::move(keeper); }

void AdminMail::start() { keeper_->start(); }

void AdminMail::use(const config::AdminMailConfig& config) {
  config_ = config;
  waiting_.keep(static_cast<std::size_t>(config.lines));
  pace_.use(config.interval);
  if (out_ == 0 && failures_ == 0 && !waiting_.empty())
    due_.at(std::max(timer_.now() + duration(config_.delay), pace_.next()));
}

void AdminMail::heard(const journal::Entry& entry) {
  if (entry.level() > config_.level) return;
  if (entry.value("SMSD_DISPATCHER") == config_.worker.name) return;  // a mail about mail would cause another
  std::string words = entry.text();
  // A mail leaves the host, so that numbers are masked in it even if the journal shows them whole.
  std::string recipient(entry.value("SMSD_RECIPIENT"));
  if (!recipient.empty()) replaceAll(words, recipient, events::masked(recipient));
  waiting_.add({entry.level(), std::string(entry.value("SMSD_EVENT")), std::move(words),
                std::chrono::system_clock::now()});
  // The first entry waits a little for those that follow it. After a failure the next try is already
  // scheduled.
  if (out_ == 0 && failures_ == 0)
    due_.notLaterThan(std::max(timer_.now() + duration(config_.delay), pace_.next()));
}

/// Schedules the next mail, after the outcome of the last one is known.
void AdminMail::schedule() {
  if (failures_ > 0)
    due_.in(again.after(failures_));
  else if (!waiting_.empty())
    due_.at(std::max(timer_.now(), pace_.next()));
}

void AdminMail::send() {
  if (out_ != 0 || (waiting_.empty() && !mail_)) return;
  if (keeper_->room() > 0) return dispatch();
  // dispatcherChanged() is called when there is room again.
  if (workerMayCome()) return;
  sayDown(keeper_->reason());
  KJ_IF_MAYBE (fulfiller, finished_) fulfiller->get()->fulfill();
}

bool AdminMail::workerMayCome() const {
  keeper::State state = keeper_->state();
  return state == keeper::State::starting || state == keeper::State::ready;
}

void AdminMail::dispatch() {
  if (!mail_) {
    Collection entries = std::exchange(waiting_, Collection(static_cast<std::size_t>(config_.lines)));
    std::string text = entries.text(host_, proto::MAX_TEXT);
    mail_ =
        Mail{std::move(text), fmt::format("admin-{}-{}-{}", name_, started_, ++mails_), std::move(entries)};
  }
  queue::Submission submission;
  submission.attempt = out_ =
      ourAttempts | started_ << bitsOfCount | (++attempts_ & ((1U << bitsOfCount) - 1));
  submission.dispatcher = config_.worker.name;
  submission.key = mail_->key;
  submission.recipient = config_.to;
  submission.sms.text = mail_->text;
  submission.sms.parts = 1;
  keeper_->dispatch({&submission});
}

void AdminMail::dispatcherReported(std::size_t, std::vector<delivery::AttemptOutcome> outcomes) {
  for (auto& one : outcomes)
    if (out_ != 0 && one.attempt == out_) takeOutcome(one.outcome);
}

void AdminMail::takeOutcome(const delivery::Outcome& outcome) {
  out_ = 0;
  if (outcome.kind == delivery::OutcomeKind::accepted) {
    pace_.sent(lastWord_ ? Pace::Kind::lastWord : Pace::Kind::usual, timer_.now());
    ++sent_;
    if (std::exchange(down_, false)) {
      events_.adminMailBack(config_.worker.name, mail_->entries.total());
      changed_();
    }
    mail_.reset();
    failures_ = 0;
  } else {
    ++failures_;
    sayDown(outcome.words);
    // A mail that may have arrived is sent again unchanged, with its key; otherwise its entries join those
    // since.
    if (outcome.kind != delivery::OutcomeKind::unknown) {
      waiting_.addEarlier(mail_->entries);
      mail_.reset();
    }
  }
  if (finished_ == nullptr) return schedule();
  // smsd may have begun to end while a mail was in flight: entries since then go into the last mail.
  if (outcome.kind == delivery::OutcomeKind::accepted) sayLastWord();
  if (out_ == 0) KJ_ASSERT_NONNULL(finished_)->fulfill();
}

void AdminMail::dispatcherChanged(std::size_t) {
  // A mail may be due that found no room. If none is, send() returns without one.
  bool wanted = finished_ == nullptr || lastIsDue_;
  if (wanted && out_ == 0 && !due_.isSet() && (mail_ || !waiting_.empty())) due_.in(0ms);
}

void AdminMail::sayDown(const std::string& why) {
  why_ = why;
  if (std::exchange(down_, true)) return;
  since_ = timer_.now();
  events_.adminMailDown(config_.worker.name, why);
  changed_();
}

kj::Maybe<AdminMail::Outage> AdminMail::outage() const {
  if (!down_) return nullptr;
  return Outage{why_, timer_.now() - since_};
}

AdminMail::Report AdminMail::report() const {
  return {.dispatcher = config_.worker.name,
          .state = keeper_->state(),
          .reason = keeper_->reason(),
          .since = keeper_->since(),
          .interval = config_.interval,
          .sent = sent_,
          .waiting = waiting_.total() + (mail_ ? mail_->entries.total() : 0),
          .sentAgo = pace_.last().map([this](kj::TimePoint at) { return timer_.now() - at; })};
}

void AdminMail::tryNow(Worker worker, const std::string& why) {
  if (waiting_.empty() && !mail_)
    waiting_.add({journal::Level::notice, "", why, std::chrono::system_clock::now()});
  if (worker == Worker::fresh)
    keeper_->restart(why);
  else
    keeper_->resume();
  if (out_ == 0) due_.in(0ms);
}

/// Sends the rest if a mail is due or the daemon failed.
void AdminMail::sayLastWord() {
  if (lastWord_ || (waiting_.empty() && !mail_)) return;
  lastWord_ = ending_ == Ending::failed && pace_.mayHaveLastWord(timer_.now());
  lastIsDue_ = lastWord_ || timer_.now() >= pace_.next();
  if (lastIsDue_) send();
}

kj::Promise<void> AdminMail::finish(Ending ending) {
  ending_ = ending;
  due_.cancel();
  auto pair = kj::newPromiseAndFulfiller<void>();
  finished_ = kj::mv(pair.fulfiller);
  if (out_ == 0) sayLastWord();
  bool waits = out_ != 0 || (lastIsDue_ && workerMayCome());
  if (!waits) KJ_ASSERT_NONNULL(finished_)->fulfill();
  return pair.promise.exclusiveJoin(timer_.afterDelay(lastPatience)).then([this]() { keeper_->end(); });
}

}  // namespace smsd::admin_mail
