// SPDX-License-Identifier: GPL-3.0-or-later
// `smsctl explain`: prints the history of one message in the order of its events.
//
// `smsctl queue show`: the message alone, with its whole text. Owns the texts of that history; life-words.h
// has the decisions in it. Called by main. Reads through the daemon or the queue, never changes it. Fails as
// every command does, and with status 1 if there is no such message.
#include <fmt/format.h>
#include <sysexits.h>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/control/queue-answers.h"
#include "supervisor/control/retry-words.h"
#include "supervisor/smsctl/commands.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/life-words.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;
using queue::AttemptRecord;
using queue::MessageLife;
using queue::SentStatus;
using queue::SubmissionRecord;

constexpr std::size_t longestText = 2000;  // more than any SMS

ordered_json json(const SubmissionRecord& submission) {
  ordered_json attempts = ordered_json::array();
  for (const auto& attempt : submission.attempts)
    attempts.push_back({{"id", attempt.id},
                        {"dispatcher", attempt.dispatcher},
                        {"outcome", attempt.outcome},
                        {"reason", attempt.reason},
                        {"reference", attempt.reference},
                        {"ended", attempt.ended},
                        {"took_ms", orNull(attempt.took)}});
  return {{"id", submission.id},
          {"key", submission.key},
          {"text", submission.text},
          {"supervisor", submission.supervisor},
          {"created", submission.created},
          {"ended", submission.ended},
          {"fate", submission.fate},
          {"decided", submission.decided},
          {"only_counted", submission.onlyCounted},
          {"messages", submission.messages},
          {"encoding", submission.encoding},
          {"units", submission.units},
          {"parts", submission.parts},
          {"attempts", std::move(attempts)}};
}

ordered_json json(const queue::AlertRecord& alert) {
  return {{"caller", alert.caller},     {"label", alert.label},           {"group", alert.group},
          {"key", alert.key},           {"expires", alert.expires},       {"repeats", alert.repeats},
          {"repeated", alert.repeated}, {"resolved_by", alert.resolvedBy}};
}

ordered_json json(const MessageLife& life) {
  ordered_json result = asJson(life.message);
  result["time_sent"] = life.timeSent;
  result["smsid"] = orNull(life.smsid);
  result["ignored_because"] = whyIgnored(life);
  result["waits_until"] = life.waitsUntil;
  result["paced_until"] = life.pacedUntil;
  result["rounds"] = life.rounds;
  result["failing_since"] = life.failingSince;
  result["latency_ms"] = orNull(life.latency);
  result["alert"] = life.alert ? json(*life.alert) : ordered_json();
  result["submissions"] = ordered_json::array();
  for (const auto& submission : life.submissions) result["submissions"].push_back(json(submission));
  return result;
}

std::string shown(const std::string& text) { return text::printable(text, longestText); }

void step(const std::string& time, const std::string& what) {
  io::print(fmt::format("  {:<19}  {}\n", text::printable(time, 23), what));
}

std::string inBrackets(const std::string& text) {
  return text.empty() ? "" : fmt::format(" ({})", shown(text));
}

std::string companions(const SubmissionRecord& submission, format::MessageId self) {
  std::vector<format::MessageId> others = submission.messages;
  std::erase(others, self);
  if (others.empty()) return "";
  return fmt::format(", with message{} {}", others.size() == 1 ? "" : "s", fmt::join(others, ", "));
}

void tell(const AttemptRecord& attempt) {
  const std::string through = fmt::format("attempt {} through {}: ", attempt.id, shown(attempt.dispatcher));
  if (attempt.ended.empty()) return step("", through + "under way");
  step(attempt.ended,
       through + shown(attempt.outcome) +
           inBrackets(attempt.reference.empty() ? attempt.reason : "reference " + attempt.reference) +
           (attempt.took ? ", took " + tookWords(*attempt.took) : ""));
}

void tellEnd(const SubmissionRecord& submission) {
  const std::string sms = fmt::format("SMS {}: ", submission.id);
  const std::string counted =
      submission.onlyCounted ? "; its text only counts this message, which is ignored" : "";
  if (submission.fate == "sent") return step(submission.ended, sms + "sent" + counted);
  if (submission.fate == "ignored")
    return step(submission.ended, sms + "ignored, it will not be sent: " + shown(whyIgnored(submission)));
  if (submission.fate == "returned") return step(submission.ended, sms + "not sent, returned to the queue");
  step(submission.ended, sms + "held, because it may have been sent");
  if (submission.fate == "held") return;
  step(submission.decided, fmt::format("{}{} by an operator", sms, shown(submission.fate)));
}

void tell(const SubmissionRecord& submission, format::MessageId self) {
  step(submission.created,
       fmt::format("SMS {} with the key {}{}{}: {}", submission.id, submission.key,
                   submission.supervisor.empty() ? "" : " by " + shown(submission.supervisor),
                   companions(submission, self), shown(submission.text)));
  if (const auto form = formatting(submission); !form.empty()) step("", form);
  for (const auto& attempt : submission.attempts) tell(attempt);
  if (!submission.ended.empty()) tellEnd(submission);
}

std::string after(const MessageLife& life) {
  return life.latency ? fmt::format(" {} after it was queued", tookWords(*life.latency)) : "";
}

/// smsd and NAV's smsd set smsid with each SMS.
std::string whoMarked(const MessageLife& life) {
  return life.smsid ? ", not by smsd" : " without an SMS: it was a heartbeat, or another program marked it";
}

void tellState(const MessageLife& life, const GivingUp& givingUp) {
  const bool told = toldBySubmission(life);
  switch (life.message.status) {
    case SentStatus::sent:
      return step(life.timeSent, "marked as sent" + after(life) + (told ? "" : whoMarked(life)));
    case SentStatus::ignored:
      if (told && life.ignoredBecause.empty()) return step(life.timeSent, "marked as ignored" + after(life));
      return step(life.timeSent, "ignored" + after(life) + ": it was " + shown(whyIgnored(life)));
    case SentStatus::unsent:
      break;
  }
  if (told) return;
  if (!life.waitsUntil.empty())
    return step(life.waitsUntil, "next try: its recipient waits, after " + patience(life, givingUp));
  if (!life.pacedUntil.empty())
    return step(life.pacedUntil,
                "next SMS to its recipient at the earliest, with all that waits by then (pace)");
  step("", life.message.underWay ? "waits for the SMS of its recipient that is under way"
                                 : "waits to be claimed");
}

/// The worker of a dispatcher, as it is now.
struct PresentWorker {
  std::string dispatcher, kind, software;
  unsigned pid = 0;
};

struct Story {
  MessageLife life;
  GivingUp givingUp;
  std::vector<PresentWorker> workers;  // only if smsd runs
  std::uint64_t omitted = 0;           // submissions and attempts that smsd left out
  Retryable retryable = Retryable::yes;
  FromSmsd fromSmsd = FromSmsd::no;
};

std::optional<Story> storyThrough(control::Client& client, format::MessageId id) {
  using Response = capnp::Response<proto::Control::ExplainResults>;
  auto request = client.control().explainRequest();
  request.setMessage(id);
  auto response = client.wait<Response>(request.send(), control::queuePatience);
  checkAnswer(response, EX_DATAERR);
  auto wire = response.getLife();
  if (!wire.getKnown()) return std::nullopt;
  Story story{
      control::read(wire), {}, {}, wire.getOmitted(), wire.getTooOld() ? Retryable::tooOld : Retryable::yes,
      FromSmsd::yes};
  story.givingUp.limit = static_cast<int>(wire.getRetryLimit());
  if (!wire.getGivesUp()) story.givingUp.atLimit = config::AtLimit::shutdown;
  if (wire.getGiveUpAfter() >= 0) story.givingUp.after = Milliseconds(wire.getGiveUpAfter());
  for (auto one : response.getDispatchers())
    story.workers.push_back(
        {one.getName().cStr(), one.getKind().cStr(), one.getSoftware().cStr(), one.getWorkerPid()});
  return story;
}

std::optional<Story> storyIn(const Site& site, format::MessageId id) {
  return throughOrStraight(
      site, Straight::ifUnheard, [&](control::Client& client) { return storyThrough(client, id); },
      [&](queue::Queue& queue) -> std::optional<Story> {
        const auto& retry = site.config.retry;
        auto life = queue.explain(id, retry.maxDelay);
        if (!life) return std::nullopt;
        const bool old = control::isTooOld(*life, site.config.queue.expireAfter);
        return Story{std::move(*life),
                     {retry.limit, retry.atLimit, retry.giveUpAfter},
                     {},
                     0,
                     old ? Retryable::tooOld : Retryable::yes};
      });
}

Story storyOf(const Site& site, format::MessageId id) {
  auto story = storyIn(site, id);
  if (!story) throw CommandError(1, fmt::format("there is no message {} in the queue", id));
  return *std::move(story);
}

std::string nextIn(const Story& story, const Site& site) {
  return advised(nextStep(story.life, story.retryable, story.fromSmsd), site.option);
}

ordered_json json(const Story& story, const Site& site) {
  ordered_json result = json(story.life);
  result["workers"] = ordered_json::array();
  for (const auto& worker : story.workers)
    result["workers"].push_back({{"dispatcher", worker.dispatcher},
                                 {"kind", worker.kind},
                                 {"pid", worker.pid},
                                 {"software", worker.software}});
  result["omitted"] = story.omitted;
  result["state"] = stateOf(story.life);
  result["next"] = nextIn(story, site);
  return result;
}

void tell(const PresentWorker& worker) {
  const std::string process = worker.pid == 0 ? "" : fmt::format(", pid {}", worker.pid);
  step("", fmt::format("{} now: a worker of kind {}{}{}", shown(worker.dispatcher), shown(worker.kind),
                       process, worker.software.empty() ? "" : ", " + shown(worker.software)));
}

void printHead(const MessageLife& life) {
  const auto& message = life.message;
  io::print(fmt::format("message {} to {}{}{}: {}\n", message.id, shown(message.recipient),
                        message.user.empty() ? "" : " for " + shown(message.user),
                        message.severity ? fmt::format(", severity {}", *message.severity) : "",
                        stateOf(life)));
}

}  // namespace

int explainMessage(const Site& site, format::MessageId id, Form form) {
  const Story story = storyOf(site, id);
  if (form == Form::json) {
    io::print(dump(json(story, site)));
    return EX_OK;
  }
  const auto& life = story.life;
  printHead(life);
  step(life.message.time, "queued: " + shown(life.message.text));
  if (life.alert)
    for (const auto& words : wordsOf(*life.alert)) step("", shown(words));
  if (story.omitted > 0) step("", fmt::format("{} earlier SMS and attempts are left out", story.omitted));
  for (const auto& submission : life.submissions) tell(submission, id);
  tellState(life, story.givingUp);
  for (const auto& worker : story.workers) tell(worker);
  step("", "next: " + nextIn(story, site));
  return EX_OK;
}

std::optional<queue::MessageLife> lifeOf(const Site& site, format::MessageId id) {
  auto story = storyIn(site, id);
  return story ? std::optional(std::move(story->life)) : std::nullopt;
}

int showMessage(const Site& site, format::MessageId id, Form form) {
  const Story story = storyOf(site, id);
  if (form == Form::json) {
    ordered_json result = asJson(story.life.message);
    result["state"] = stateOf(story.life);
    result["ignored_because"] = whyIgnored(story.life);
    io::print(dump(result));
    return EX_OK;
  }
  printHead(story.life);
  step(story.life.message.time, "queued");
  if (const auto why = whyIgnored(story.life); !why.empty()) step("", "ignored: " + shown(why));
  io::print("\n" + text::printable(story.life.message.text, 4 * longestText) + "\n");
  return EX_OK;
}

}  // namespace smsd::smsctl
