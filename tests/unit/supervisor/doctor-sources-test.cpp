// SPDX-License-Identifier: GPL-3.0-or-later
// Where the facts of `smsctl doctor` come from: a /proc made by the test, the output of systemctl, and
// certificates.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "supervisor/config/referenced-files.h"
#include "supervisor/smsctl/doctor/certificate.h"
#include "supervisor/smsctl/doctor/sources.h"

namespace smsd::smsctl::doctor {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono;

// Until 2030-01-02 03:04:05 (as UTCTime) and 2061-12-31 23:59:59 (as GeneralizedTime).
constexpr const char* until2030 = R"(-----BEGIN CERTIFICATE-----
MIHDMHegAwIBAgIBATAFBgMrZXAwDDEKMAgGA1UEAwwBdDAeFw0yMDAxMDEwMDAw
MDBaFw0zMDAxMDIwMzA0MDVaMAwxCjAIBgNVBAMMAXQwKjAFBgMrZXADIQA5xKYR
SbW4qXy7Knm1uj0b/RmiURSCR44mesGNzr09IzAFBgMrZXADQQBVs51LwACuPntx
b0d6/mDp/V0IKuxzFmAIBkoBwLIbmqlqx0TKhyRMn8AO8rTA/NIUadgrF1S9N2SN
K0P4+BwL
-----END CERTIFICATE-----
)";
constexpr const char* until2061 = R"(-----BEGIN CERTIFICATE-----
MIHFMHmgAwIBAgIBATAFBgMrZXAwDDEKMAgGA1UEAwwBdDAgFw0yMDAxMDEwMDAw
MDBaGA8yMDYxMTIzMTIzNTk1OVowDDEKMAgGA1UEAwwBdDAqMAUGAytlcAMhADnE
phFJtbipfLsqebW6PRv9GaJRFIJHjiZ6wY3OvT0jMAUGAytlcANBADVKbHmUOkg0
8MAulZIKbVsdqug5GN7XREOjbWHhuGlXKawiyVAz3jJA6cQBzSviZR6M2EjOQ7sJ
ofQYtfLMdg8=
-----END CERTIFICATE-----
)";
const sys_seconds in2030 = sys_days(year(2030) / 1 / 2) + 3h + 4min + 5s;
const sys_seconds in2061 = sys_days(year(2061) / 12 / 31) + 23h + 59min + 59s;

TEST(DoctorCertificate, IsReadToItsExpiry) {
  const std::string both = std::string("a comment\n") + until2030 + until2061;
  EXPECT_EQ(expiriesIn(both), (std::vector<sys_seconds>{in2030, in2061}));
  EXPECT_EQ(expiryOf(both, CertificateUse::own), in2030);
  EXPECT_EQ(expiryOf(both, CertificateUse::authorities), in2061);
  EXPECT_EQ(expiryOf("", CertificateUse::own), std::nullopt);
  EXPECT_EQ(expiryOf("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", CertificateUse::own),
            std::nullopt);
}

TEST(DoctorCertificate, OfAnyBytesIsNone) {
  const std::string whole = until2030;
  for (std::size_t size = 0; size < whole.size(); ++size) expiriesIn(whole.substr(0, size));
  for (std::size_t at = 28; at + 30 < whole.size(); ++at)
    for (const char byte : {'A', '/', '8', '\n'}) {
      std::string damaged = whole;
      damaged[at] = byte;
      EXPECT_LE(expiriesIn(damaged).size(), 1u);
    }
  // Lengths of 4 GiB, of no bytes, and beyond the end.
  for (const char* base64 : {"MIT/////", "MIA=", "MIMBAAA", "MP8="})
    EXPECT_TRUE(expiriesIn(std::string("-----BEGIN CERTIFICATE-----") + base64 + "-----END CERTIFICATE-----")
                    .empty());
}

TEST(DoctorUnits, AreParsedFromWhatSystemctlPrints) {
  const auto units = parseUnits(
      "Id=smsd.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nResult=success\n"
      "MainPID=42\nNeedDaemonReload=yes\nDropInPaths=/etc/a.conf /etc/b.conf\nNoNewPrivileges=no\n"
      "ExecStart={ path=/usr/sbin/smsd }\n\nId=smsd-http@gw.service\nLoadState=not-found\n");
  ASSERT_EQ(units.size(), 2u);
  EXPECT_EQ(units[0].name, "smsd.service");
  EXPECT_TRUE(units[0].installed);
  EXPECT_TRUE(units[0].needsReload);
  EXPECT_EQ(units[0].mainPid, 42);
  EXPECT_EQ(units[0].dropIns, (std::vector<std::string>{"/etc/a.conf", "/etc/b.conf"}));
  EXPECT_EQ(units[0].properties.at("NoNewPrivileges"), "no");
  EXPECT_FALSE(units[1].installed);
  EXPECT_TRUE(parseUnits("").empty());
}

TEST(DoctorUnits, HaveTheCredentialsOfTheirFilesInOrder) {
  UnitFacts unit{.name = "smsd-http@gw.service"};
  takeCredentials(unit, "[Service]\nLoadCredential=config:/etc/smsd/%i.yaml\n#LoadCredential=no:/no\n");
  takeCredentials(
      unit,
      "[Service]\nLoadCredential=%i.token:/etc/100%%/%i\nSetCredential=pin:1234\nLoadCredential=of-system\n");
  using Credentials = std::map<std::string, fs::path>;
  EXPECT_EQ(
      unit.credentials,
      (Credentials{
          {"config", "/etc/smsd/gw.yaml"}, {"gw.token", "/etc/100%/gw"}, {"of-system", ""}, {"pin", ""}}));
  takeCredentials(unit, "LoadCredential=\nLoadCredentialEncrypted=a:/b\n");
  EXPECT_EQ(unit.credentials, (Credentials{{"a", "/b"}}));
}

class DoctorProc : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "doctor-proc-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    proc_.path = pattern;
  }
  void TearDown() override { fs::remove_all(proc_.path); }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((proc_.path / name).parent_path());
    std::ofstream(proc_.path / name) << text;
  }

  ProcFolder proc_;
};

TEST_F(DoctorProc, ShowsTheLockOfAProcess) {
  write("12/status",
        "Name:\tworker\nUid:\t0\t61200\t0\t0\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n");
  write("12/limits",
        "Limit  Soft Limit  Hard Limit  Units\nMax core file size        0                    0              "
        "      bytes\n");
  write("13/status", "NoNewPrivs:\t0\nSeccomp:\t0\n");
  write("13/limits", "Max core file size        unlimited            unlimited            bytes\n");
  const auto locked = lookAtProcess(proc_, 12, "gateway");
  EXPECT_TRUE(locked.seen);
  EXPECT_EQ(locked.noNewPrivs, 1);
  EXPECT_EQ(locked.seccomp, 2);
  EXPECT_EQ(locked.coreAllowed, false);
  EXPECT_EQ(lookAtProcess(proc_, 13, "").coreAllowed, true);
  EXPECT_EQ(lookAtProcess(proc_, 13, "").seccomp, 0);
  EXPECT_FALSE(lookAtProcess(proc_, 14, "").seen);
  EXPECT_FALSE(lookAtProcess(proc_, 0, "").seen);
}

TEST_F(DoctorProc, NamesWhoHasOpenedADeviceExceptItsOwnWorker) {
  write("device", "");
  write("12/comm", "smsd-worker-gammu\n");
  write("13/comm", "ModemManager\n");
  for (const char* pid : {"12", "13"}) {
    fs::create_directories(proc_.path / pid / "fd");
    fs::create_symlink(proc_.path / "device", proc_.path / pid / "fd/5");
  }
  const std::vector<DispatcherFacts> dispatchers = {{.name = "modem", .device = proc_.path / "device"},
                                                    {.name = "gone", .device = proc_.path / "nothing"},
                                                    {.name = "gateway"}};
  const auto devices = lookAtDevices(proc_, dispatchers, {{.pid = 12, .dispatcher = "modem"}});
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_TRUE(devices[0].there);
  EXPECT_TRUE(devices[0].allSeen);
  ASSERT_EQ(devices[0].holders.size(), 1u);
  EXPECT_EQ(devices[0].holders[0].pid, 13);
  EXPECT_EQ(devices[0].holders[0].program, "ModemManager");
  EXPECT_FALSE(devices[1].there);
}

TEST_F(DoctorProc, TellsASocketThatIsListenedAtFromOneThatIsOnlyThere) {
  write("net/unix",
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "ffff0001: 00000002 00000000 00010000 0001 01 21 /run/smsd/a.sock\n"
        "ffff0002: 00000003 00000000 00000000 0001 03 22 /run/smsd/b.sock\n"
        "ffff0003: 00000003 00000000 00000000 0001 03 23\n");
  config::Config config;
  const auto sockets = lookAtSockets(proc_, config,
                                     {{.name = "a", .bySystemd = true, .socket = "/run/smsd/a.sock"},
                                      {.name = "b", .bySystemd = true, .socket = "/run/smsd/b.sock"},
                                      {.name = "c", .bySystemd = false}});
  ASSERT_EQ(sockets.size(), 5u);  // beside the three of smsd itself
  EXPECT_TRUE(sockets[3].listening);
  EXPECT_FALSE(sockets[4].listening);
}

TEST(DoctorFiles, NamedByADispatchersFileAreFoundInOrder) {
  const auto files = config::filesNamedIn(
      "url: https://x\nca_file: /etc/ssl/ca.pem\nauth: {type: bearer, token_file: gw.token}\nsecrets:\n- "
      "name: key\n  file: k\nfile: sent\n");
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0].key, "ca_file");
  EXPECT_EQ(files[1].path, "gw.token");
  EXPECT_EQ(files[2].path, "k");
  EXPECT_TRUE(config::filesNamedIn("[").empty());
}

}  // namespace
}  // namespace smsd::smsctl::doctor
