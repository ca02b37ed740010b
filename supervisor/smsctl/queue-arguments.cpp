// SPDX-License-Identifier: GPL-3.0-or-later
// The arguments of `smsctl queue` and its commands.
#include <fmt/format.h>
#include <sysexits.h>

#include "common/config/values.h"
#include "supervisor/smsctl/command-line.h"

namespace smsd::smsctl {
namespace {

void addHeld(CLI::App& group, Arguments& a, Action& chosen) {
  auto* held =
      command(group, "held", "list the SMS that may have been sent and wait for `release` or `discard`", a,
              chosen, [&a]() { return listHeld(siteIn(a), a.heldLimit, a.form()); });
  held->add_option("--limit", a.heldLimit, "list at most this many")
      ->capture_default_str()
      ->transform(io::wholeNumber(1, 1'000'000))
      ->type_name("N");
  addId(command(group, "release", "let the messages of a held SMS be sent again", a, chosen,
                [&a]() { return releaseHeld(siteIn(a), a.id, a.form()); }),
        a, "the id of the SMS, as `queue held` lists it");
  addId(command(group, "discard", "mark the messages of a held SMS as ignored", a, chosen,
                [&a]() { return discardHeld(siteIn(a), a.id, a.form()); }),
        a, "the id of the SMS, as `queue held` lists it");
}

void addRetry(CLI::App& group, Arguments& a, Action& chosen) {
  auto* sub =
      command(group, "retry", "end the wait of a recipient, or make an ignored message unsent again", a,
              chosen, [&a]() {
                if ((a.whom.message > 0) + !a.whom.recipient.empty() + a.everybody != 1)
                  throw CommandError(EX_USAGE, "queue retry: expected one of ID, --recipient and --all");
                return retry(siteIn(a), a.whom, a.form());
              });
  sub->add_option("ID", a.whom.message, "a message of the recipient, or an ignored message")
      ->transform(io::wholeNumber(1, std::numeric_limits<std::int64_t>::max()))
      ->type_name("");
  sub->add_option("--recipient", a.whom.recipient, "the recipient's number")->type_name("NUMBER");
  sub->add_flag("--all", a.everybody, "every recipient that waits");
}

void addCancel(CLI::App& group, Arguments& a, Action& chosen) {
  auto* cancel = command(
      group, "cancel", "mark unsent messages as ignored, except those under way or held", a, chosen, [&a]() {
        const auto age = config::parseDuration(a.minimumAge);
        if (!age)
          throw CommandError(
              EX_USAGE, fmt::format("--older-than {}: expected a duration like 12h or 2d\n", a.minimumAge));
        CancelArguments arguments;
        arguments.choice.message = a.whom.message;
        arguments.choice.minimumAge = *age;
        if (!a.whom.recipient.empty()) arguments.choice.recipient = a.whom.recipient;
        if (a.everybody) arguments.consent = CancelArguments::Consent::given;
        if (a.dryRun) arguments.cancel = queue::Queue::Cancel::preview;
        return cancelQueue(siteIn(a), arguments, a.form());
      });
  cancel->add_option("ID", a.whom.message, "only this message")
      ->transform(io::wholeNumber(1, std::numeric_limits<std::int64_t>::max()))
      ->type_name("");
  cancel->add_option("--recipient", a.whom.recipient, "only messages to this number")->type_name("NUMBER");
  cancel->add_option("--older-than", a.minimumAge, "only messages of at least this age")
      ->capture_default_str()
      ->type_name("DURATION");
  cancel->add_flag("--yes", a.everybody, "do not ask before every unsent message is cancelled");
  cancel->add_flag("--dry-run", a.dryRun, "show what would be cancelled, and change nothing");
}

}  // namespace

void addQueue(CLI::App& app, Arguments& a, Action& chosen) {
  auto* group =
      app.add_subcommand("queue", "list, show, cancel, retry and release messages")->require_subcommand(1);
  auto* list =
      command(*group, "list", "list messages in the queue; * marks a message under way, ? a held message", a,
              chosen, [&a]() { return listQueue(siteIn(a), a.list, a.form()); });
  list->add_option_function<std::string>(
          "--status",
          [&a](const std::string& word) { a.list.status = static_cast<queue::SentStatus>(word[0]); },
          "list N unsent, Y sent or I ignored messages")
      ->transform(io::oneOf({"N", "Y", "I"}))
      ->type_name("N|Y|I");
  list->add_option("--recipient", a.list.recipient, "list only messages to this number");
  list->add_option("--limit", a.list.limit, "list at most this many")
      ->capture_default_str()
      ->transform(io::wholeNumber(1, 1'000'000))
      ->type_name("N");
  addId(command(*group, "show", "show one message with its whole text", a, chosen,
                [&a]() { return showMessage(siteIn(a), a.id, a.form()); }),
        a, "the id of the message, as `queue list` and `send` print it");
  addCancel(*group, a, chosen);
  addHeld(*group, a, chosen);
  addRetry(*group, a, chosen);
}

}  // namespace smsd::smsctl
