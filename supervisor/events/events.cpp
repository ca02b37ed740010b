// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/events/events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/journal/journal.h"

namespace smsd::events {
namespace {

using journal::Entry;
using journal::Level;

std::string seconds(Milliseconds value) { return config::printDuration(value); }

std::string ids(const queue::Submission& submission) {
  return fmt::format("{}", fmt::join(submission.sms.sent, " "));
}

/// Only systemd knows the process behind a socket.
std::string shownPid(int pid) { return pid == 0 ? "" : fmt::format(" {}", pid); }

Entry& attempt(Entry& entry, const queue::Submission& submission, const std::string& shownRecipient) {
  return entry.field("SMSD_ATTEMPT", std::to_string(submission.attempt))
      .field("SMSD_DISPATCHER", submission.dispatcher)
      .field("SMSD_RECIPIENT", shownRecipient)
      .field("SMSD_MESSAGE_IDS", ids(submission));
}

std::string size(const queue::Submission& submission) {
  std::size_t sent = submission.sms.sent.size(), ignored = submission.sms.ignored.size();
  std::string text =
      sent == 1 ? fmt::format("message {}", submission.sms.sent[0]) : fmt::format("{} messages", sent);
  if (ignored > 0) text += fmt::format(" (and {} only counted)", ignored);
  return text;
}

/// Counts the events that had no entry of their own.
std::string unsaid(unsigned more) {
  return more > 0 ? fmt::format("; {} more since the last entry", more) : "";
}

}  // namespace

std::string masked(const std::string& recipient) {
  constexpr std::size_t head = 3, tail = 2;
  if (recipient.size() <= head + tail) return std::string(recipient.size(), '*');
  return recipient.substr(0, head) + std::string(recipient.size() - head - tail, '*') +
         recipient.substr(recipient.size() - tail);
}

std::string Events::shown(const std::string& recipient) const {
  return recipients_ == config::RecipientInLog::plain ? recipient : masked(recipient);
}

void Events::daemonStarted(const std::string& version, const std::string& queue,
                           std::size_t dispatchers) const {
  Entry(Level::notice,
        fmt::format("smsd {} started: {} queue, {} dispatcher{}", version, queue, dispatchers,
                    dispatchers == 1 ? "" : "s"),
        "daemon-started", "260bee5e79c54618935dd5fae30f9c5e")
      .write();
}

void Events::daemonStopping(std::size_t underWay) const {
  Entry(Level::notice, fmt::format("stopping: {} SMS under way", underWay), "daemon-stopping",
        "375b2e90c60f47b0afd1931bfb78020d")
      .write();
}

void Events::daemonStopped(std::size_t left) const {
  std::string text =
      left == 0 ? "stopped" : fmt::format("stopped with {} SMS whose outcome is not known", left);
  Entry(left == 0 ? Level::notice : Level::warning, text, "daemon-stopped",
        "60baebdc4c2d4484aaa1aed38e00c620")
      .write();
}

void Events::operatorActed(const std::string& act, std::optional<unsigned> uid) const {
  const std::string who = uid ? std::to_string(*uid) : "unknown";
  Entry(Level::notice, fmt::format("{} by uid {}", act, who), "operator-acted",
        "e503c3850ab7408a84bd380cb80cac6a")
      .field("SMSD_UID", who)
      .write();
}

void Events::operatorRetried(const std::optional<std::string>& recipient, std::optional<unsigned> uid) const {
  const std::string whom = !recipient           ? "all who wait"
                           : recipient->empty() ? "an empty number"
                                                : shown(*recipient);
  operatorActed("retry of " + whom, uid);
}

void Events::operatorTested(const std::string& recipient, const std::string& result,
                            std::optional<unsigned> uid) const {
  operatorActed(fmt::format("test SMS to {} ({})", shown(recipient), result), uid);
}

void Events::controlRefused(std::optional<unsigned> uid, unsigned own, unsigned all, unsigned more) const {
  const std::string who = uid ? std::to_string(*uid) : "unknown";
  Entry(Level::warning,
        fmt::format(
            "control.sock: turned away a connection of uid {}: {} of this user and {} in all are open{}", who,
            own, all, unsaid(more)),
        "control-refused", "7f8f6a3203ed465d9c738d82a87f6fcd")
      .field("SMSD_UID", who)
      .write();
}

void Events::controlEnded(std::optional<unsigned> uid, const std::string& why, unsigned more) const {
  const std::string who = uid ? std::to_string(*uid) : "unknown";
  Entry(Level::warning,
        fmt::format("control.sock: closed a connection of uid {}: {}{}", who, why, unsaid(more)),
        "control-ended", "02bccb46638441f68fea39281d56d4c5")
      .field("SMSD_UID", who)
      .field("SMSD_REASON", why)
      .write();
}

void Events::reloaded(const std::string& changes) const {
  Entry(Level::notice, fmt::format("reloaded: {}", changes), "reloaded", "a2a836f08288441f981f1b564ca00748")
      .field("SMSD_REASON", changes)
      .write();
}

void Events::reloadRefused(const std::string& problems) const {
  std::string line;
  for (std::size_t at = 0, end; at < problems.size(); at = end + 1) {
    end = std::min(problems.find('\n', at), problems.size());
    if (end > at) line += (line.empty() ? "" : "; ") + problems.substr(at, end - at);
  }
  Entry(Level::error, fmt::format("the reload was refused, nothing has changed: {}", line), "reload-refused",
        "464f49a9a276469d90759f75e5769b97")
      .field("SMSD_REASON", line)
      .write();
}

void Events::workerReady(const std::string& dispatcher, int pid, const std::vector<std::string>& lock) const {
  std::string how =
      lock.empty() ? "without an inner lock" : fmt::format("locked in by {}", fmt::join(lock, ", "));
  Entry(lock.empty() ? Level::warning : Level::info,
        fmt::format("{}: worker{} is ready, {}", dispatcher, shownPid(pid), how), "worker-ready",
        "3e6549def68e4a5e8a8bd44294be5389")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_WORKER_PID", std::to_string(pid))
      .write();
}

void Events::workerGone(const std::string& dispatcher, int pid, const std::string& why,
                        std::size_t lost) const {
  Entry(
      Level::warning,
      fmt::format("{}: worker{} is gone: {}; {} SMS were out with it", dispatcher, shownPid(pid), why, lost),
      "worker-gone", "4049e76a9d3f412398f5b57719e8aa54")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_WORKER_PID", std::to_string(pid))
      .field("SMSD_REASON", why)
      .write();
}

void Events::workerStays(const std::string& dispatcher, const std::string& unit) const {
  Entry(Level::warning,
        fmt::format("{}: its worker is of an older version and cannot be told to end: its process stays; "
                    "`systemctl restart {}` replaces it",
                    dispatcher, unit),
        "worker-stays", "8646c4160b7f4db198179937d0c4e067")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void Events::contractBroken(const std::string& dispatcher, int pid, const std::string& what,
                            unsigned strikes) const {
  Entry(Level::error,
        fmt::format("{}: worker {} broke the contract and was ended: {} (strike {})", dispatcher, pid, what,
                    strikes),
        "contract-broken", "a903413c30c04ce1a9ecb97356485ae0")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_WORKER_PID", std::to_string(pid))
      .field("SMSD_REASON", what)
      .write();
}

void Events::dispatcherReady(const std::string& dispatcher) const {
  Entry(Level::notice, fmt::format("{}: ready", dispatcher), "dispatcher-ready",
        "a87b3de6176e41ae9b8a61056a5956ee")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void Events::dispatcherResting(const std::string& dispatcher, const std::string& reason,
                               Milliseconds untilProbe) const {
  Entry(Level::warning,
        fmt::format("{}: resting, tried again in {}: {}", dispatcher, seconds(untilProbe), reason),
        "dispatcher-resting", "a283f8558239462f9a39d99d31504fc2")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", reason)
      .write();
}

void Events::dispatcherBroken(const std::string& dispatcher, const std::string& reason,
                              Milliseconds untilProbe) const {
  Entry(Level::error,
        fmt::format("{}: broken, tried again in {}: {}", dispatcher, seconds(untilProbe), reason),
        "dispatcher-broken", "ca61e4d66eab4f98a1f75ae8a839c29f")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", reason)
      .write();
}

void Events::dispatcherPaused(const std::string& dispatcher) const {
  Entry(Level::notice, fmt::format("{}: paused by the operator", dispatcher), "dispatcher-paused",
        "125a13805c06421cba40be79ea7b32ad")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void Events::dispatcherResumed(const std::string& dispatcher) const {
  Entry(Level::notice, fmt::format("{}: resumed by the operator", dispatcher), "dispatcher-resumed",
        "e5e3a3bec7964c5394e1202faa16d6a5")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void Events::dayNotKept(const std::string& dispatcher, const std::string& why) const {
  Entry(Level::warning,
        fmt::format("{}: today's count for per_day cannot be kept, a restart of smsd will forget it: {}",
                    dispatcher, why),
        "day-not-kept", "6ea4965af2cf4d99b087d420f3aa1730")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void Events::noDispatcher() const {
  Entry(Level::error, "no dispatcher can be used: nothing is sent until one comes back", "no-dispatcher",
        "3772e8cf375a4df39578b1542757046a")
      .write();
}

void Events::standsStill(Milliseconds since, Still what) const {
  std::string_view then =
      what == Still::acts ? "looks at the queue again and replaces workers that hold SMS past every deadline"
                          : "that did not help: smsd wants to be started anew, and feeds no watchdog";
  Entry(Level::error,
        fmt::format("nothing has moved for {} although there is something to send: {}", seconds(since), then),
        "stands-still", "7d6745e2d47b46b0b1a31609d416ad03")
      .write();
}

void Events::sent(const queue::Submission& submission, const std::string& reference,
                  Milliseconds latency) const {
  Entry entry(Level::info,
              fmt::format("{}: sent {} to {} in {} ms", submission.dispatcher, size(submission),
                          shown(submission.recipient), latency.count()),
              "sms-sent", "0776ef4a73a54bdeb1ade59bb0ebf2f4");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", "accepted")
      .field("SMSD_REFERENCE", reference)
      .field("SMSD_LATENCY_MS", std::to_string(latency.count()))
      .write();
}

void Events::sentMany(const std::string& dispatcher, std::size_t sms, std::size_t messages) const {
  Entry(Level::info, fmt::format("{}: sent {} more SMS with {} messages", dispatcher, sms, messages),
        "sms-sent-many", "8ad2cfb04d7243019d8d62e1c7bd5a0e")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_COUNT", std::to_string(sms))
      .write();
}

void Events::failedOver(const queue::Submission& submission, const delivery::Outcome& outcome,
                        const std::string& next) const {
  Entry entry(Level::warning,
              fmt::format("{}: {} for {}, goes to {}: {}", submission.dispatcher, name(outcome),
                          shown(submission.recipient), next, outcome.words),
              "sms-failed-over", "e60042b637ea4091afcb7145f61071a4");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", std::string(name(outcome)))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void Events::waits(const queue::Submission& submission, const delivery::Outcome& outcome, Milliseconds wait,
                   const Patience& patience) const {
  std::string end;
  if (patience.rounds == Patience::Rounds::usedUp)
    end = patience.givenUpIn
              ? fmt::format("; it is given up when it fails after {} more (retry.give_up_after)",
                            config::roughly(*patience.givenUpIn))
              : "; it is never given up (retry.give_up_after)";
  Entry entry(
      Level::warning,
      fmt::format("{} waits {} after {}: {} from {}: {}{}", shown(submission.recipient), seconds(wait),
                  submission.rounds == 0 ? "a round that is not its fault"
                                         : fmt::format("round {}", submission.rounds),
                  name(outcome), submission.dispatcher, outcome.words, end),
      "sms-waits", "e7e7e12d226b4446b9b7503c1a21903a");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", std::string(name(outcome)))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void Events::repeated(const queue::Submission& submission, const delivery::Outcome& outcome) const {
  Entry entry(Level::warning,
              fmt::format("{}: {} for {}, is sent once more with the same key: {}", submission.dispatcher,
                          name(outcome), shown(submission.recipient), outcome.words),
              "sms-repeated", "9b87fc8d34b34d4c847c0f8c1c8f0846");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", std::string(name(outcome)))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void Events::held(const queue::Submission& submission, const delivery::Outcome& outcome) const {
  Entry entry(Level::warning,
              fmt::format("{}: SMS {} to {} may have been sent and is held (`smsctl queue held`): {}",
                          submission.dispatcher, submission.id, shown(submission.recipient), outcome.words),
              "sms-held", "f9f475b7068e4148992ca1a71ace07a3");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", std::string(name(outcome)))
      .field("SMSD_REASON", outcome.words)
      .write();
}

void Events::answerNotUnderstood(const std::string& dispatcher, const std::string& words) const {
  Entry(Level::error,
        fmt::format(
            "{}: its configuration does not understand an answer of the gateway, such an SMS is sent once "
            "more and then held: {}",
            dispatcher, words),
        "answer-not-understood", "21987a2f8997436b951859e167846714")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", words)
      .write();
}

void Events::ignored(const queue::Submission& submission, const std::string& reason) const {
  Entry entry(
      Level::error,
      fmt::format("{} to {} will not be sent: {}", size(submission), shown(submission.recipient), reason),
      "sms-ignored", "5c2764d32ee648438ae8ed6d2ba1dd31");
  attempt(entry, submission, shown(submission.recipient)).field("SMSD_REASON", reason).write();
}

void Events::expired(std::size_t messages) const {
  Entry(Level::warning,
        fmt::format("{} message{} older than expire_after will not be sent", messages,
                    messages == 1 ? "" : "s"),
        "messages-expired", "7f075e43c5c64e6dbd98eb3e763b9369")
      .write();
}

void Events::settlementRefused(const queue::Submission& submission, const std::string& outcome, SetAside how,
                               const std::string& why) const {
  std::string then = how == SetAside::held ? "it is held instead (`smsctl queue held`)"
                                           : "it stays under way until smsd starts anew";
  Entry entry(
      Level::error,
      fmt::format("{}: SMS {} to {}: the queue does not take that it was {}, {}: {}", submission.dispatcher,
                  submission.id, shown(submission.recipient), outcome, then, why),
      "settlement-refused", "1aa6c28896b4457f961fd800f1a87176");
  attempt(entry, submission, shown(submission.recipient))
      .field("SMSD_OUTCOME", outcome)
      .field("SMSD_REASON", why)
      .write();
}

void Events::historyStays(const std::string& why) const {
  Entry(Level::warning, fmt::format("the history older than queue.keep_history cannot be purged: {}", why),
        "history-stays", "0a4fca47009949169a6e020a37ae66cf")
      .field("SMSD_REASON", why)
      .write();
}

void Events::endsByItself(const std::string& why) const {
  Entry(Level::error, fmt::format("ends by itself, as configured: {}", why), "ends-by-itself",
        "be5e5684321842d7870a1120f7821cb7")
      .field("SMSD_REASON", why)
      .write();
}

void Events::adminMailDown(const std::string& dispatcher, const std::string& why) const {
  Entry(Level::error,
        fmt::format("{}: mail to the administrators cannot be sent, and is kept: {}", dispatcher, why),
        "admin-mail-down", "1260317ed20f439b880baafac9634dd1")
      .field("SMSD_DISPATCHER", dispatcher)
      .field("SMSD_REASON", why)
      .write();
}

void Events::adminMailBack(const std::string& dispatcher, std::uint64_t carried) const {
  Entry(Level::notice,
        fmt::format("{}: mail to the administrators is sent again, with {} entries", dispatcher, carried),
        "admin-mail-back", "79a1d3b8ef35428d9ab8862c3ad40cf3")
      .field("SMSD_DISPATCHER", dispatcher)
      .write();
}

void Events::queueAway(const std::string& why) const {
  Entry(Level::error, fmt::format("the queue is away, nothing new is sent until it is back: {}", why),
        "queue-away", "00dd6d351e104f52b7a501c2ffc9d510")
      .field("SMSD_REASON", why)
      .write();
}

void Events::queueSilent(Milliseconds since, Still what) const {
  std::string_view then = what == Still::acts
                              ? "its connection is cut, to make a new one"
                              : "that did not help: smsd wants to be started anew, and feeds no watchdog";
  Entry(Level::error, fmt::format("the queue has not answered for {}: {}", seconds(since), then),
        "queue-silent", "8fc5e8b0a105473a92d8cb4bac5aba4d")
      .write();
}

void Events::clockStepped(Milliseconds step) const {
  Entry(Level::notice,
        fmt::format("the database's clock was stepped {} by {}: nobody waits longer for that, and nothing "
                    "expires earlier",
                    step < 0ms ? "back" : "ahead", config::roughly(step < 0ms ? -step : step)),
        "clock-stepped", "f347991d8f63476183db426dd28aab36")
      .write();
}

void Events::queueBack() const {
  Entry(Level::notice, "the queue is back", "queue-back", "636c09456906483fb0ac0f7309b7024d").write();
}

void Events::queueStrained(const std::string& what) const {
  if (what.empty())
    Entry(Level::notice, "the queue has room again", "queue-relieved", "452bbe27d5e84004afbaaddfb2a96dad")
        .write();
  else
    Entry(Level::error, what, "queue-strained", "15ff3a9c070448a3b94bdd76e74b2804")
        .field("SMSD_REASON", what)
        .write();
}

void Events::bellChanged(queue::Bell::State state, const std::string& problem) const {
  if (state == queue::Bell::State::heard || state == queue::Bell::State::untested)
    Entry(Level::notice, "new messages wake smsd at once", "notify-works", "ea4711c58b99474693fe6e0a36c05704")
        .write();
  else if (state == queue::Bell::State::unannounced)
    Entry(Level::notice,
          fmt::format("new messages do not wake smsd, it finds them at its next look at the queue: {}",
                      problem),
          "notify-missing", "d1306ec72b19429cbeccf37aaa56bd65")
        .field("SMSD_REASON", problem)
        .write();
  else
    Entry(Level::warning,
          fmt::format("new messages do not wake smsd, it looks at the queue every {} at least: {}",
                      seconds(queue::Bell::pollWhileSilent), problem),
          "notify-silent", "99f648caffa44d9a9b263302aabbd813")
        .field("SMSD_REASON", problem)
        .write();
}

void Events::queueReplaced(const std::string& how, std::size_t dropped) const {
  Entry(Level::error,
        fmt::format(
            "{} while smsd used it: {} SMS under way belonged to the old file; smsd opens the file that "
            "is there now",
            how, dropped),
        "queue-replaced", "222b91020af34511b04bd3ea8b5bd9a7")
      .field("SMSD_REASON", how)
      .write();
}

void Events::fenced(std::size_t dropped) const {
  Entry(
      Level::error,
      fmt::format("another supervisor took over while this one was silent: {} SMS are its own now", dropped),
      "fenced", "71bfbd9aeb6b4200af87b14cbc9c9e1c")
      .write();
}

void Events::takenOver(std::size_t submissions) const {
  Entry(Level::warning,
        fmt::format("took over {} SMS of a supervisor that is gone; what became of them is not known",
                    submissions),
        "taken-over", "e5a4a81a5ef84619a729e2f05465bf5e")
      .write();
}

}  // namespace smsd::events
