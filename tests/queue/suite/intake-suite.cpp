// SPDX-License-Identifier: GPL-3.0-or-later
// Alerts that programs submit: what becomes a message, what is a duplicate, and what is resolved. A queue
// that takes none skips these cases.
#include <algorithm>
#include <thread>

#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {

namespace {

using Offer = Submitted::Offer;
using Result = AlertFate::Result;

#define SMSD_NEEDS_INTAKE()                                                            \
  if (!store().complete() && !offered()) GTEST_SKIP() << "this queue takes no alerts"; \
  ASSERT_TRUE(offered())

class SubmittedAlerts : public QueueSuite {
 protected:
  SubmittedAlerts() { queue().takeOver(); }  // learns which version of the schema all supervisors know

  bool offered() { return queue().submit({}, 1h).offer != Offer::notOffered; }

  static NewAlert alert(const std::string& recipient, const std::string& key = "",
                        const std::string& cancels = "", const std::string& text = "text") {
    return {.recipient = recipient,
            .text = text,
            .severity = 2,
            .caller = "intake",
            .key = key,
            .cancels = cancels};
  }
  std::vector<AlertFate> submit(const std::vector<NewAlert>& alerts) {
    return queue().submit(alerts, 1h).fates;
  }
  AlertFate submitOne(const NewAlert& alert) { return submit({alert}).at(0); }
  std::string countOf(const std::string& condition = "true") {
    return store().one("SELECT count(*) FROM smsq WHERE " + condition);
  }
};
SMSD_FOR_EACH_BACKEND(SubmittedAlerts);

}  // namespace

TEST_P(SubmittedAlerts, AreMessagesLikeAnyOther) {
  SMSD_NEEDS_INTAKE();
  const auto result = queue().submit({alert("+4711"), alert("+4722")}, 1h);
  EXPECT_EQ(result.offer, Offer::taken);
  ASSERT_EQ(result.fates.size(), 2u);
  for (const auto& fate : result.fates) EXPECT_EQ(fate.result, Result::queued);
  const FoundRow row = store().row(result.fates[0].message);
  EXPECT_EQ(row.sent, 'N');
  EXPECT_EQ(row.phone, "+4711");
  EXPECT_EQ(row.text, "text");
  EXPECT_EQ(row.severity, 2);
  EXPECT_EQ(store().row(result.fates[1].message).phone, "+4722");
  EXPECT_EQ(recipients(claim().submissions), (std::vector<std::string>{"+4711", "+4722"}));
}

TEST_P(SubmittedAlerts, AreSentWithTheirWholeText) {
  SMSD_NEEDS_INTAKE();
  std::string text;
  for (int n = 0; n < 400; ++n) text += "æ" + std::to_string(n % 10);
  const auto fate = submitOne(alert("+4711", "", "", text));
  const std::string stored = store().row(fate.message).text;
  EXPECT_TRUE(text.starts_with(stored));
  EXPECT_GE(stored.size(), 145u) << "as much as the column holds";
  const auto claimed = claim().submissions;
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].sms.text, text);
  queue().settle({accepted(claimed[0])});
  EXPECT_EQ(store().sent(fate.message), 'Y') << "the stamp is that of the row";
  EXPECT_EQ(queue().explain(fate.message)->message.text, text);
}

TEST_P(SubmittedAlerts, TellWhoSubmittedThem) {
  SMSD_NEEDS_INTAKE();
  NewAlert one = alert("+4711", "disk full \xc3\xa6");
  one.label = "grafana";
  one.group = "noc";
  one.expiresIn = 1h;
  const auto life = queue().explain(submitOne(one).message);
  ASSERT_TRUE(life && life->alert);
  EXPECT_EQ(life->alert->caller, "intake");
  EXPECT_EQ(life->alert->label, "grafana");
  EXPECT_EQ(life->alert->group, "noc");
  EXPECT_EQ(life->alert->key, "disk full \xc3\xa6");
  EXPECT_NE(life->alert->expires, "");
  EXPECT_EQ(life->alert->repeats, 0u);
  const auto id = store().put({.phone = "+4711"});
  EXPECT_FALSE(queue().explain(id)->alert) << "inserted by another program";
}

TEST_P(SubmittedAlerts, AreNotThoseOfARowThatHasTheirIdLater) {
  SMSD_NEEDS_INTAKE();
  NewAlert one = alert("+4711", "key");
  one.expiresIn = 1ms;
  const auto fate = submitOne(one);
  store().startIdsOver();
  const auto id = store().put({.phone = "+4711", .text = "of another program"});
  ASSERT_EQ(id, fate.message);
  EXPECT_FALSE(queue().explain(id)->alert);
  EXPECT_EQ(submitOne(alert("+4711", "other", "key")).result, Result::queued) << "resolves nothing";
  EXPECT_EQ(store().sent(id), 'N');
  const auto claimed = claim();
  EXPECT_EQ(claimed.expired, 0u);
  ASSERT_EQ(claimed.submissions.size(), 1u);
}

TEST_P(SubmittedAlerts, WithOneKeyAreOneMessageWithinTheTime) {
  SMSD_NEEDS_INTAKE();
  const auto first = submitOne(alert("+4711", "key"));
  const auto again = submitOne(alert("+4711", "key", "", "another text"));
  EXPECT_EQ(again.result, Result::duplicate);
  EXPECT_EQ(again.message, first.message);
  EXPECT_EQ(queue().explain(first.message)->alert->repeats, 1u);
  EXPECT_NE(queue().explain(first.message)->alert->repeated, "");
  EXPECT_EQ(submitOne(alert("+4722", "key")).result, Result::queued) << "another number";
  EXPECT_EQ(submitOne(alert("+4711", "key ")).result, Result::queued) << "another key";
  EXPECT_EQ(submitOne(alert("+4711", "KEY")).result, Result::queued) << "another key";
  NewAlert other = alert("+4711", "key");
  other.caller = "root";
  EXPECT_EQ(submitOne(other).result, Result::queued) << "another caller";
  EXPECT_EQ(submitOne(alert("+4711")).result, Result::queued) << "without a key";
  EXPECT_EQ(submitOne(alert("+4711")).result, Result::queued) << "without a key";
  EXPECT_EQ(countOf(), "7");
}

TEST_P(SubmittedAlerts, WithOneKeyMayComeAgainAfterTheTimeIfTheFirstHasLeft) {
  SMSD_NEEDS_INTAKE();
  const auto first = submitOne(alert("+4711", "key"));
  store().step(2h);
  EXPECT_EQ(submitOne(alert("+4711", "key")).result, Result::duplicate) << "it is unsent still";
  queue().settle({accepted(claim().submissions.at(0))});
  EXPECT_EQ(store().sent(first.message), 'Y');
  const auto second = submitOne(alert("+4711", "key"));
  EXPECT_EQ(second.result, Result::queued);
  EXPECT_NE(second.message, first.message);
  EXPECT_EQ(submitOne(alert("+4711", "key")).message, second.message);
}

TEST_P(SubmittedAlerts, OfOneCallThatHaveOneKeyAreOneMessage) {
  SMSD_NEEDS_INTAKE();
  const auto fates =
      submit({alert("+4711", "a"), alert("+4711", "b"), alert("+4711", "a"), alert("+4722", "a")});
  ASSERT_EQ(fates.size(), 4u);
  EXPECT_EQ(fates[2].result, Result::duplicate);
  EXPECT_EQ(fates[2].message, fates[0].message);
  EXPECT_EQ(fates[3].result, Result::queued);
  EXPECT_EQ(queue().explain(fates[0].message)->alert->repeats, 1u);
  EXPECT_EQ(countOf(), "3");
}

TEST_P(SubmittedAlerts, MayResolveAnEarlierOneThatHasNotLeft) {
  SMSD_NEEDS_INTAKE();
  const auto firing = submitOne(alert("+4711", "firing"));
  NewAlert resolved = alert("+4711", "resolved", "firing");
  resolved.label = "am1";
  const auto fate = submitOne(resolved);
  EXPECT_EQ(fate.result, Result::cancelled);
  EXPECT_EQ(fate.message, firing.message);
  EXPECT_EQ(store().sent(firing.message), 'I');
  EXPECT_EQ(countOf(), "1") << "the resolution is not sent";
  const auto life = queue().explain(firing.message);
  EXPECT_EQ(life->ignoredBecause, "resolved");
  EXPECT_EQ(life->alert->resolvedBy, "intake (am1)");
  EXPECT_NE(submitOne(resolved).result, Result::queued) << "repeated";
  resolved.key = "of its twin";
  EXPECT_EQ(submitOne(resolved).result, Result::cancelled) << "repeated by another program";
  resolved.key = "";
  EXPECT_EQ(submitOne(resolved).result, Result::cancelled) << "repeated without a key";
  EXPECT_EQ(countOf(), "1");
  EXPECT_TRUE(claim().submissions.empty());
}

TEST_P(SubmittedAlerts, ThatResolveAreSentIfTheEarlierOneLeft) {
  SMSD_NEEDS_INTAKE();
  submitOne(alert("+4711", "sent"));
  const auto claimed = claim().submissions;
  EXPECT_EQ(submitOne(alert("+4711", "", "sent")).result, Result::queued) << "it is in progress";
  EXPECT_EQ(submitOne(alert("+4711", "", "sent", "")).result, Result::notSent);
  queue().settle({accepted(claimed.at(0))});
  EXPECT_EQ(submitOne(alert("+4711", "", "sent")).result, Result::queued);
  EXPECT_EQ(submitOne(alert("+4711", "", "there is none")).result, Result::queued);
  EXPECT_EQ(submitOne(alert("+4722", "", "sent")).result, Result::queued) << "another number";
  EXPECT_EQ(submitOne(alert("+4711", "key", "sent", "")).result, Result::notSent);
  EXPECT_EQ(submitOne(alert("+4711", "key")).result, Result::queued) << "the key was not used";
  EXPECT_EQ(countOf(), "6");
}

TEST_P(SubmittedAlerts, OfOneCallAreResolvedInTheirOrder) {
  SMSD_NEEDS_INTAKE();
  const auto fates =
      submit({alert("+4711", "a"), alert("+4711", "b", "a"), alert("+4711", "c"), alert("+4711", "d", "c")});
  EXPECT_EQ(fates.at(0).result, Result::queued);
  EXPECT_EQ(fates.at(1).result, Result::cancelled);
  EXPECT_EQ(fates.at(1).message, fates.at(0).message);
  EXPECT_EQ(fates.at(3).message, fates.at(2).message);
  EXPECT_EQ(countOf("sent = 'I'"), "2");
  EXPECT_EQ(countOf(), "2");
}

TEST_P(SubmittedAlerts, AreHeldAgainstAResolution) {
  SMSD_NEEDS_INTAKE();
  const auto fate = submitOne(alert("+4711", "key"));
  queue().settle({held(claim().submissions.at(0))});
  EXPECT_EQ(submitOne(alert("+4711", "", "key")).result, Result::queued) << "it may have left";
  EXPECT_EQ(store().sent(fate.message), 'N');
}

TEST_P(SubmittedAlerts, ExpireByThemselves) {
  SMSD_NEEDS_INTAKE();
  NewAlert brief = alert("+4711"), keeps = alert("+4711");
  brief.expiresIn = 1ms;
  keeps.expiresIn = 1h;
  const auto gone = submitOne(brief), stays = submitOne(keeps), other = submitOne(alert("+4722"));
  ASSERT_TRUE(eventually([&] { return store().one("SELECT count(*) FROM smsq") == "3"; }));
  ClaimResult claimed;
  EXPECT_TRUE(eventually([&] {
    if (claimed.submissions.empty()) claimed = claim();
    return !claimed.submissions.empty();
  }));
  EXPECT_EQ(claimed.expired, 1u);
  EXPECT_EQ(store().sent(gone.message), 'I');
  EXPECT_EQ(queue().explain(gone.message)->ignoredBecause, "expired");
  EXPECT_EQ(claimed.submissions.size(), 2u);
  EXPECT_EQ(store().sent(stays.message), 'N');
  queue().settle({accepted(claimed.submissions.at(0)), accepted(claimed.submissions.at(1))});
  EXPECT_EQ(store().sent(other.message), 'Y');
  EXPECT_EQ(queue().restore(gone.message, std::nullopt).result, Restored::Result::restored);
  EXPECT_EQ(claim().submissions.size(), 1u) << "an operator wants it to be sent";
}

TEST_P(SubmittedAlerts, MayComeFromAQueueThatIsNotEnlisted) {
  SMSD_NEEDS_INTAKE();
  const auto other = store().open();
  const auto result = other->submit({alert("+4711", "key")}, 1h);
  EXPECT_EQ(result.offer, Offer::taken);
  EXPECT_EQ(submitOne(alert("+4711", "key")).message, result.fates.at(0).message);
}

// Two supervisors of one queue, or two connections of one: whichever is first.
TEST_P(SubmittedAlerts, ThatComeTwiceAtTheSameTimeAreOneMessage) {
  SMSD_NEEDS_INTAKE();
  constexpr int keys = 300;
  const auto all = [](int from, int step) {
    std::vector<NewAlert> alerts;
    for (int n = 0; n < keys; ++n) alerts.push_back(alert("+4711", std::to_string((from + n * step) % keys)));
    return alerts;
  };
  std::vector<Submitted> results(4);
  std::vector<std::thread> threads;
  for (std::size_t n = 0; n < results.size(); ++n)
    threads.emplace_back([&, n] {
      const auto other = store().open();
      const auto alerts = all(static_cast<int>(n) * 70, n % 2 == 0 ? 1 : keys - 1);
      for (std::size_t at = 0; at < alerts.size(); at += 30) {
        const std::vector<NewAlert> some(alerts.begin() + static_cast<long>(at),
                                         alerts.begin() + static_cast<long>(at) + 30);
        for (const auto& fate : other->submit(some, 1h).fates) results[n].fates.push_back(fate);
      }
    });
  for (auto& thread : threads) thread.join();
  std::size_t queued = 0;
  for (const auto& result : results) {
    ASSERT_EQ(result.fates.size(), std::size_t{keys});
    for (const auto& fate : result.fates) {
      EXPECT_NE(fate.message, 0);
      if (fate.result == Result::queued) ++queued;
    }
  }
  EXPECT_EQ(queued, std::size_t{keys});
  EXPECT_EQ(countOf(), std::to_string(keys));
}

TEST_P(SubmittedAlerts, AreForgottenWithTheHistoryUnlessTheyAreUnsent) {
  SMSD_NEEDS_INTAKE();
  submitOne(alert("+4711", "sent"));
  queue().settle({accepted(claim().submissions.at(0))});
  submitOne(alert("+4711", "unsent"));
  while (queue().purge(1h, 10) == Purge::more) {
  }
  EXPECT_EQ(store().one("SELECT count(*) FROM " + store().own("alert")), "2") << "recent";
  store().step(2h);
  while (queue().purge(1h, 10) == Purge::more) {
  }
  EXPECT_EQ(store().one("SELECT key FROM " + store().own("alert")), "unsent");
  EXPECT_EQ(store().one("SELECT count(*) FROM " + store().own("alert_key")), "1");
}

}  // namespace smsd::queue
