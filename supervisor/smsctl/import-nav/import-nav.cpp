// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/import-nav/import-nav.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/config/yaml-tree.h"
#include "common/text/ascii.h"
#include "supervisor/admin-mail/nav-mail.h"
#include "supervisor/smsctl/import-nav/dispatchers.h"
#include "supervisor/smsctl/import-nav/ini.h"
#include "supervisor/smsctl/import-nav/values.h"

namespace smsd::smsctl {
namespace {

using config::Milliseconds;
using config::printDuration;
using config::quotedScalar;
using nav::IniValue;
using nav::Section;
using namespace std::chrono_literals;

constexpr std::array knownKeys = {"username",   "delay",         "delayfactor",
                                  "maxdelay",   "retrylimit",    "retrylimitaction",
                                  "autocancel", "mailwarnlevel", "exit_on_permanent_error",
                                  "mailserver", "mailaddr",      "fromaddr"};

class Importer {
 public:
  Importer(const NavFiles& files, const ImportTarget& target)
      : target_(target),
        smsd_(nav::readIni(files.smsd, "smsd.conf")),
        nav_(nav::readFlat(files.nav.value_or(""), "nav.conf")),
        db_(nav::readFlat(files.db.value_or(""), "db.conf")) {
    result_.problems = smsd_.problems;
    if (!files.nav) note("nav.conf: not found");
    if (!files.db)
      todo("db.conf: not found; write the address of NAV's database into queue.postgresql.connection");
  }

  NavImport run() {
    if (const Section* found = smsd_.find("main"))
      main_ = *found;
    else
      note("smsd.conf has no section [main], which NAV needs: smsd uses NAV's defaults");
    checkKeys();
    std::string text = std::string(madeFromNav) + "; smsd.yaml(5) explains the keys.\n";
    text += queue();  // in this order: problems are listed by part, and retry() needs the delay from queue()
    text += retry();
    text += adminMail();
    text += dispatchers();
    if (result_.problems.empty())
      result_.files.insert(result_.files.begin(), {"smsd.yaml", std::move(text), 0640});
    else
      result_.files.clear();
    return std::move(result_);
  }

 private:
  void note(const std::string& what) { result_.notes.push_back(what); }
  void todo(const std::string& what) { result_.todo.push_back(what); }

  const IniValue* find(const std::string& key) const {
    const auto found = main_.find(key);
    return found == main_.end() ? nullptr : &found->second;
  }
  std::string of(const Section& flat, const std::string& key, const std::string& otherwise) const {
    const auto found = flat.find(key);
    return found == flat.end() || found->second.value.empty() ? otherwise : found->second.value;
  }
  void wrong(const IniValue& entry, const std::string& key, const std::string& expected) {
    result_.problems.push_back({entry.where, fmt::format("{}: expected {}", key, expected)});
  }

  /// Reports misspelt keys, which NAV ignored silently.
  void checkKeys() {
    for (const auto& [key, entry] : main_)
      if (std::find(knownKeys.begin(), knownKeys.end(), key) == knownKeys.end())
        todo(fmt::format("{}: {} is not a key of NAV, which ignored it", entry.where, key.substr(0, 40)));
    if (find("username"))
      note("username: smsd does not change its user; systemd starts it as a user of its own");
    result_.user = of(main_, "username", of(nav_, "NAV_USER", "navcron"));
  }

  template <typename T>
  T number(const std::string& key, T otherwise, config::Bound<T> bound, const std::string& what) {
    const IniValue* entry = find(key);
    if (entry == nullptr) return otherwise;
    T value{};
    const char* end = entry->value.data() + entry->value.size();
    const auto [at, error] = std::from_chars(entry->value.data(), end, value);
    if (error != std::errc() || at != end || !(value >= T{0})) {
      wrong(*entry, key, what);
      return otherwise;
    }
    if (value >= bound.least && value <= bound.most) return value;
    const T nearest = std::clamp(value, bound.least, bound.most);
    note(fmt::format("{}: {} is out of smsd's bounds, so it became {}", entry->where, key, nearest));
    return nearest;
  }

  std::string queue() {
    const auto bound = config::bounds::pollInterval;
    delay_ = 1s * number<int>("delay", 30, {1, 86400}, "a whole number of seconds");
    return fmt::format(
        "\nqueue:\n  backend: postgresql\n  postgresql:\n    connection: {}\n  poll_interval: {}\n"
        "  expire_after: {}\n"
        "\nformatting:\n  transliterate: off  # as NAV; auto replaces a curly quote, for example, where that "
        "saves "
        "a message\n",
        quotedScalar(connection()), printDuration(std::clamp<Milliseconds>(delay_, bound.least, bound.most)),
        expireAfter());
  }

  /// Quotes a value for libpq's connection string.
  static std::string quoted(const std::string& value) {
    std::string result = "'";
    for (const char c : value) {
      if (c == '\'' || c == '\\') result += '\\';
      result += c;
    }
    return result + "'";
  }

  std::string connection() {
    const std::string user = of(db_, "script_smsd", of(db_, "script_default", "nav"));
    const std::string host = of(db_, "dbhost", "localhost"), port = of(db_, "dbport", "5432"),
                      name = of(db_, "db_nav", "nav"), password = of(db_, "userpw_" + user, "");
    result_.database = {host, port, name, user};
    if (!target_.socketFolder.empty())
      return fmt::format("host={} port={} dbname={} user='smsd'", quoted(target_.socketFolder), quoted(port),
                         quoted(name)) +
             timeZone();
    const std::string text = fmt::format("host={} port={} dbname={} user={}", quoted(host), quoted(port),
                                         quoted(name), quoted(user)) +
                             timeZone();
    if (password.empty()) return text;
    const auto field = [](const std::string& value) {
      std::string result;
      for (const char c : value) {
        if (c == ':' || c == '\\') result += '\\';
        result += c;
      }
      return result;
    };
    result_.files.push_back(
        {"nav.pgpass",
         fmt::format("{}:{}:{}:{}:{}\n", field(host), field(port), field(name), field(user), field(password)),
         0600});
    return text + " passfile=" + quoted((target_.folder / "nav.pgpass").string());
  }

  /// NAV writes smsq.time as the wall time of its zone, without the zone. A session in another zone takes a
  /// message for older or younger than it is, so the connection names NAV's zone.
  std::string timeZone() {
    if (!nav_.empty()) result_.zone = of(nav_, "TIME_ZONE", "Europe/Oslo");
    const bool plain =
        result_.zone.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-") == std::string::npos;
    if (result_.zone.empty() || !plain) {
      result_.zone.clear();
      if (find("autocancel") != nullptr)
        todo(
            "the time zone of NAV is not known, and autocancel is set: add options='-c TimeZone=...' with "
            "NAV's zone to queue.postgresql.connection, unless the database's TimeZone is the same");
      return "";
    }
    note(fmt::format(
        "NAV writes the times of messages in {} (TIME_ZONE of nav.conf{}): the connection names it, so that "
        "queue.expire_after counts from the right time",
        result_.zone, nav_.contains("TIME_ZONE") ? "" : ", NAV's default"));
    return " options=" + quoted("-c TimeZone=" + result_.zone);
  }

  /// NAV exited at an invalid interval, and took "0 days" for "cancel everything". Here these are an error
  /// and `never`.
  std::string expireAfter() {
    const IniValue* entry = find("autocancel");
    if (entry == nullptr) return "never";
    const auto age = nav::interval(entry->value);
    if (!age) {
      wrong(*entry, "autocancel", "an interval like '1 day 12 hours', or 0");
      return "never";
    }
    if (*age == 0ms) return "never";
    const Milliseconds kept = std::clamp<Milliseconds>(*age, 1s, std::chrono::days(365));
    if (kept != *age) note(fmt::format("{}: autocancel became {}", entry->where, printDuration(kept)));
    return printDuration(kept);
  }

  std::string retry() {
    const double factor = number<double>("delayfactor", 1.5, config::bounds::retryFactor, "a number");
    Milliseconds most = 1s * number<int>("maxdelay", 3600, {1, 604800}, "a whole number of seconds");
    const int limit = number<int>("retrylimit", 5, config::bounds::retryLimit, "a whole number");
    if (most < delay_) {  // in NAV, the first failure then shortened the delay
      note(fmt::format("maxdelay was shorter than delay, so it became {}", printDuration(delay_)));
      most = delay_;
    }
    return fmt::format(
        "\nretry:\n  delay: {}\n  factor: {}\n  max_delay: {}\n  limit: {}\n"
        "  give_up_after: 0s  # NAV gives up by rounds alone; without this line no alert is given up before "
        "it has failed "
        "for 4h\n  at_limit: {}\n  all_broken: "
        "{}\n",
        printDuration(delay_), factor, printDuration(most), limit, atLimit(), allBroken());
  }

  std::string atLimit() {
    const IniValue* entry = find("retrylimitaction");
    if (entry == nullptr) return "ignore";
    std::string word = text::lower(entry->value);  // NAV did not recognize `Ignore` and retried for ever
    if (word != "ignore" && word != "shutdown") wrong(*entry, "retrylimitaction", "ignore or shutdown");
    return word;
  }

  /// Accepts `on` and 1 as yes, which NAV took for no.
  std::string allBroken() {
    const IniValue* entry = find("exit_on_permanent_error");
    if (entry == nullptr) {
      note(
          "exit_on_permanent_error is not set: smsd continues to probe a broken dispatcher, which NAV never "
          "used again (retry.all_broken)");
      return "wait";
    }
    const auto said = nav::yesOrNo(entry->value);
    if (!said) wrong(*entry, "exit_on_permanent_error", "yes or no");
    return said.value_or(false) ? "shutdown" : "wait";
  }

  /// Converts NAV's mail of errors, which NAV sent within its send loop, without a rate limit and with SMS
  /// texts and credentials in it, to `admin_mail`.
  std::string adminMail() {
    const auto own = [&](const std::string& key, const std::string& otherwise) {
      const IniValue* entry = find(key);
      return entry == nullptr || entry->value.empty() ? otherwise : entry->value;
    };
    admin_mail::OurMail mail =
        admin_mail::adminMailOfNav({.address = own("mailaddr", of(nav_, "ADMIN_MAIL", "")),
                                    .level = own("mailwarnlevel", ""),
                                    .server = own("mailserver", ""),
                                    .fromAddr = own("fromaddr", of(nav_, "DEFAULT_FROM_EMAIL", ""))});
    for (auto& remark : mail.remarks) note(remark);
    if (mail.section.empty()) return "";
    result_.files.push_back({"dispatchers/mail.yaml", "# Errors for the administrator.\n" + mail.file, 0640});
    const bool bySystemd = target_.socketKinds.contains("mail");
    result_.ways.push_back({"mail", "mail", bySystemd, {}});
    return "\n" + mail.section + (bySystemd ? "  activation: socket\n" : "  activation: spawn\n");
  }

  std::string dispatchers() {
    nav::Ways ways = nav::importDispatchers(smsd_, nav_, target_.socketKinds);
    const auto move = [](auto& from, auto& to) {
      to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    move(ways.files, result_.files);
    move(ways.imported, result_.ways);
    move(ways.notes, result_.notes);
    move(ways.todo, result_.todo);
    move(ways.problems, result_.problems);
    return "\ndispatchers:\n" + ways.entries;
  }

  ImportTarget target_;
  nav::Ini smsd_;
  Section nav_, db_, main_;
  Milliseconds delay_ = 30s;
  NavImport result_;
};

}  // namespace

NavImport importNav(const NavFiles& files, const ImportTarget& target) {
  return Importer(files, target).run();
}

NavImport importNav(const NavFiles& files, const std::filesystem::path& output) {
  return importNav(files, ImportTarget{.folder = output});
}

}  // namespace smsd::smsctl
