// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/import-nav/dispatchers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "common/config/yaml-tree.h"
#include "supervisor/smsctl/import-nav/values.h"

namespace smsd::smsctl::nav {
namespace {

using config::quotedScalar;

std::string head(const std::string& from) {
  return fmt::format("# Made from [{}] of NAV's smsd.conf.\n", from);
}

/// NAV took every 2xx for success and never read the body. Therefore its configuration does not contain the
/// gateway's words, and an operator has to add them.
constexpr const char* unknownWords = R"(
# NAV counted any 2xx as sent, because it did not read the text of the answer. This file does the same until you set `answers`: an
# "ERROR: out of credits" or a page "Service unavailable" with status 200 counts as sent. Send one SMS with curl, look at the answer,
# put its words in here and remove the #. An answer that matches none of the first three rules is then not a success.
#answers:
#  - {status: 2xx, body: '(?i)^\s*ERROR.*(credit|quota|login|password)', is: broken, reason: the gateway accepts nothing from this account}
#  - {status: 2xx, body: '(?i)^\s*ERROR', is: deferred, after: 1m, reason: the gateway answered ERROR}
#  - {status: 2xx, body: '(?i)^\s*OK\b', is: accepted}
#  - {status: 2xx, is: unknown, reason: the gateway answered neither OK nor ERROR}
)";

class WayImporter {
 public:
  WayImporter(const Ini& smsd, const Section& navConf, const std::set<std::string>& socketKinds)
      : smsd_(smsd), nav_(navConf), socketKinds_(socketKinds) {}

  Ways run() {
    const Section* list = smsd_.find("dispatcher");
    if (list == nullptr) {  // NAV failed with a traceback
      ways_.problems.push_back({"smsd.conf", "no section [dispatcher], expected one that names dispatcher1"});
      return std::move(ways_);
    }
    for (const auto& [place, entry] : inOrder(*list)) add(entry);
    if (ways_.entries.empty() && ways_.problems.empty())
      ways_.problems.push_back(
          {"smsd.conf", "[dispatcher] names no dispatcher that smsd supports, expected at least one"});
    return std::move(ways_);
  }

 private:
  /// Sorts by number. NAV counted the keys, some of them inherited from another section, and silently left
  /// out dispatchers with higher numbers.
  std::map<int, IniValue> inOrder(const Section& list) {
    std::map<int, IniValue> places;
    std::optional<int> last;
    for (const auto& [key, entry] : list) {
      int place = 0;
      const std::string_view digits =
          key.starts_with("dispatcher") ? std::string_view(key).substr(10) : std::string_view();
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), place);
      if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || place < 0) {
        ways_.todo.push_back(
            fmt::format("{}: expected dispatcher1, dispatcher2 ...: this key was left out", entry.where));
      } else if (!places.emplace(place, entry).second) {
        ways_.problems.push_back({entry.where, fmt::format("a second dispatcher{}", place)});
      }
    }
    for (const auto& [place, entry] : places) {
      if (last && place != *last + 1)
        ways_.notes.push_back(
            fmt::format("{}: after {} comes {}: the order is kept", entry.where, *last, place));
      if (!last && place > 1)
        ways_.notes.push_back(
            fmt::format("{}: there is no dispatcher1: dispatcher{} becomes the first", entry.where, place));
      last = place;
    }
    return places;
  }

  void add(const IniValue& entry) {
    static const std::map<std::string, void (WayImporter::*)(const Section&)> kinds = {
        {"GammuDispatcher", &WayImporter::gammu},
        {"HttpGetDispatcher", &WayImporter::http},
        {"UninettMailDispatcher", &WayImporter::mail},
        {"BoostDispatcher", &WayImporter::boost},
        {"DebugDispatcher", &WayImporter::debug}};
    section_ = entry.value;
    const auto kind = kinds.find(section_);
    if (kind == kinds.end()) {  // NAV failed with a misleading traceback
      ways_.todo.push_back(
          fmt::format("{}: smsd has no kind for {}, so it was left out", entry.where, section_));
      return;
    }
    static const Section none;
    const Section* found = smsd_.find(section_);
    // NAV reported a missing section only as "Unknown exception". These two kinds need none.
    if (found == nullptr && section_ != "GammuDispatcher" && section_ != "DebugDispatcher")
      ways_.problems.push_back(
          {entry.where, fmt::format("{} has no section [{}], expected one", section_, section_)});
    else
      (this->*kind->second)(found == nullptr ? none : *found);
  }

  std::string freeName(std::string name) {
    std::string candidate = name;
    for (int i = 2; !names_.insert(candidate).second; ++i) candidate = fmt::format("{}-{}", name, i);
    return candidate;
  }
  void entry(const std::string& name, const std::string& kind, const std::string& timeout) {
    const bool bySystemd = socketKinds_.contains(kind);
    ways_.imported.push_back({name, kind, bySystemd, {}});
    ways_.entries += fmt::format("  - {{name: {}, kind: {}, activation: {}, timeout: {}}}\n", name, kind,
                                 bySystemd ? "socket" : "spawn", timeout);
  }
  void file(const std::string& name, const std::string& content, unsigned mode = 0640) {
    ways_.files.push_back({std::filesystem::path("dispatchers") / name, content, mode});
  }
  /// Returns a value of the section itself, never an inherited one. NAV's example file has None for values
  /// that an operator has to fill in.
  std::string value(const Section& section, const std::string& key) {
    const auto found = section.find(key);
    if (found != section.end() && !found->second.value.empty() && found->second.value != "None")
      return found->second.value;
    ways_.todo.push_back(fmt::format("[{}] has no {}: write it into the dispatcher's file", section_, key));
    return "";
  }

  void gammu(const Section&) {
    const std::string name = freeName("modem");
    entry(name, "gammu", "60s");
    file(name + ".yaml", head(section_) + "gammurc: /etc/gammurc\nsection: 0\n");
    ways_.notes.push_back(fmt::format(
        "{}: NAV's user may have had a ~/.gammurc of its own; `gammurc` names /etc/gammurc", name));
  }

  void http(const Section& section) {
    const std::string name = freeName("gateway");
    GatewayUrl url = gatewayUrl(value(section, "url"));
    std::string text = head(section_) + "url: " + quotedScalar(url.url) + "\n";
    if (!url.secrets.empty()) text += "secrets:\n";
    for (const auto& [secret, content] : url.secrets) {
      const std::string path = fmt::format("{}.{}", name, secret);
      text += fmt::format("  - {{name: {}, file: {}}}\n", secret, quotedScalar(path));
      file(path, content + "\n", 0600);
    }
    for (const auto& entry : url.todo) ways_.todo.push_back(fmt::format("{}: {}", name, entry));
    for (const auto& note : url.notes) ways_.notes.push_back(fmt::format("{}: {}", name, note));
    ways_.notes.push_back(
        name +
        ": smsd sends the + of a number as %2B; from NAV it arrived as a blank. For a gateway that accepts "
        "only digits, use {digits}");
    ways_.todo.push_back(
        fmt::format("{}: NAV counted every 2xx as sent, even an ERROR, because it did not read the text of "
                    "the answer, and this "
                    "file does the same: put the gateway's words for success and failure into `answers` of "
                    "dispatchers/{}.yaml",
                    name, name));
    entry(name, "http", "30s");
    file(name + ".yaml", text + unknownWords);
  }

  std::string navConf(const std::string& key, const std::string& otherwise) const {
    const auto found = nav_.find(key);
    return found == nav_.end() || found->second.value.empty() ? otherwise : found->second.value;
  }

  /// Requires mailaddr: without it, NAV mailed its administrator and counted the SMS as sent. As in NAV, the
  /// mail server comes from Django's settings, not from smsd.conf's mailserver.
  void mail(const Section& section) {
    const std::string name = freeName("mail-gateway");  // `mail` is for the administrator's mail
    const std::string host = navConf("EMAIL_HOST", "localhost"), user = navConf("EMAIL_HOST_USER", "");
    const bool tls = yesOrNo(navConf("EMAIL_USE_TLS", "no")).value_or(false);
    const bool local = host == "localhost" || host.starts_with("127.");
    std::string text = head(section_);
    text += fmt::format("server: {}\ntls: {}\nfrom: {}\n",
                        quotedScalar("smtp://" + host + ":" + navConf("EMAIL_PORT", "25")),
                        tls     ? "required"
                        : local ? "auto"
                                : "never",
                        quotedScalar(navConf("DEFAULT_FROM_EMAIL", "nav@localhost")));
    text += fmt::format("to: {}\n", quotedScalar(value(section, "mailaddr")));
    if (!user.empty()) {
      text += fmt::format("username: {}\npassword_file: {}\n", quotedScalar(user),
                          quotedScalar(name + ".password"));
      file(name + ".password", navConf("EMAIL_HOST_PASSWORD", "") + "\n", 0600);
    }
    if (!tls && !local)
      ways_.notes.push_back(
          name +
          ": NAV used no TLS with the mail server, and neither does smsd until you remove `tls: never`");
    entry(name, "mail", "60s");
    file(name + ".yaml", text);
  }

  /// Requires username: without it, NAV sent the name of its own user.
  void boost(const Section& section) {
    const std::string name = freeName("boost");
    std::string text = head(section_) + "preset: boost\n";
    for (const char* key : {"url", "username", "sender"})
      text += fmt::format("{}: {}\n", key, quotedScalar(value(section, key)));
    const std::string password = value(section, "password");
    text += fmt::format("password_file: {}\n", quotedScalar(name + ".password"));
    file(name + ".password", password + "\n", 0600);
    entry(name, "soap", "30s");
    file(name + ".yaml", text);
  }

  void debug(const Section& section) {
    const std::string name = freeName("debug");
    const auto found = section.find("result");
    entry(name, "debug", "10s");
    file(name + ".yaml", head(section_) + "result: " +
                             quotedScalar(found == section.end() ? "success" : found->second.value) + "\n");
    ways_.notes.push_back(name +
                          ": this dispatcher sends nothing; it logs one line for each SMS, without the text");
  }

  const Ini& smsd_;
  const Section& nav_;
  const std::set<std::string>& socketKinds_;
  std::string section_;
  std::set<std::string> names_;
  Ways ways_;
};

}  // namespace

Ways importDispatchers(const Ini& smsd, const Section& navConf, const std::set<std::string>& socketKinds) {
  Ways ways = WayImporter(smsd, navConf, socketKinds).run();
  for (auto& way : ways.imported)
    for (const auto& file : ways.files)
      if (const std::string name = file.path.filename();
          name.starts_with(way.name + ".") && name != way.name + ".yaml")
        way.secrets.push_back(name);
  return ways;
}

}  // namespace smsd::smsctl::nav
