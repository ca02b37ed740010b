// SPDX-License-Identifier: GPL-3.0-or-later
// Names: which have to be looked up, what is found, and that what was found is kept.
#include "workers/net/names.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

TEST(Names, ThatAreAddressesOrThisHostAreNotLookedUp) {
  for (const char* url : {"http://127.0.0.1:8080", "https://[::1]:443/x", "http://localhost/",
                          "smtp://sub.localhost:25", "http://2130706433/", "", "nonsense://", "http://"})
    EXPECT_EQ(hostToLookUp(url), Host{}) << url;
  EXPECT_EQ(hostToLookUp("http://gateway.example"), (Host{"gateway.example", 80}));
  EXPECT_EQ(hostToLookUp("https://gateway.example/?to=1"), (Host{"gateway.example", 443}));
  EXPECT_EQ(hostToLookUp("smtp://mail.example:2525"), (Host{"mail.example", 2525}));
  EXPECT_EQ(hostToLookUp("smtps://mail.example"), (Host{"mail.example", 465}));
}

HostAddresses ask(Names& names, const Host& host) {
  auto answer = std::make_shared<std::promise<HostAddresses>>();
  auto found = answer->get_future();
  names.ask(host, [answer](HostAddresses one) { answer->set_value(std::move(one)); });
  EXPECT_EQ(found.wait_for(30s), std::future_status::ready);
  return found.get();
}

// A label of more than 63 characters: nobody is asked.
const Host noHost{std::string(64, 'x') + ".example", 80};

TEST(Names, ThatAreNotFoundSaySo) {
  Names names;
  HostAddresses found = ask(names, noHost);
  EXPECT_EQ(found.entry, "");
  EXPECT_NE(found.problem.find("the name xxx"), std::string::npos) << found.problem;
  EXPECT_EQ(names.known(noHost).entry, "") << "and are looked up again";
}

TEST(Names, ThatAreFoundAreKeptWithAllTheirAddresses) {
  Names names;
  const Host host{"127.0.0.1", 81};  // no name, and getaddrinfo takes it as one
  EXPECT_EQ(names.known(host).entry, "");
  HostAddresses found = ask(names, host);
  EXPECT_EQ(found.entry, "127.0.0.1:81:127.0.0.1");
  EXPECT_EQ(names.known(host).entry, found.entry);
  EXPECT_EQ(names.known(host).serial, found.serial);
  EXPECT_EQ(ask(names, {"::1", 81}).entry, "::1:81:[::1]");
  EXPECT_GT(ask(names, {"::1", 81}).serial, found.serial);
}

TEST(Names, MayBeAskedForByOneWhoDoesNotWait) {
  auto answered = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 100; ++i) {
    Names names;
    names.ask(noHost, [answered](HostAddresses) { ++*answered; });
  }
  SUCCEED() << *answered;
}

}  // namespace
}  // namespace smsd::net
