// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/workers/peers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>

namespace smsd::test {
namespace {

std::vector<char*> pointersTo(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (auto& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> commandOf(const Folder& folder, const std::vector<std::string>& behaviours,
                                   const std::filesystem::path& certificate) {
  std::vector<std::string> command = {"/usr/bin/python3", SMSD_PEERS "/http-gateway.py", "--record",
                                      folder.path / "requests"};
  for (auto& behaviour : behaviours) command.insert(command.end(), {"--behave", behaviour});
  if (!certificate.empty()) command.insert(command.end(), {"--cert", certificate, "--key", certificate});
  return command;
}

std::string contentOf(const std::filesystem::path& file) {
  std::ostringstream content;
  content << std::ifstream(file).rdbuf();
  return content.str();
}

std::vector<nlohmann::json> jsonLinesOf(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

void write(const std::filesystem::path& file, const std::string& content) { std::ofstream(file) << content; }

}  // namespace

Folder::Folder()
    : path([] {
        char name[] = "/tmp/smsd-test-XXXXXX";
        if (::mkdtemp(name) == nullptr) throw std::runtime_error("no folder");
        return std::filesystem::path(name);
      }()) {}
Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

Program::Program(const std::vector<std::string>& command, const std::vector<std::string>& environment,
                 int inherited) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  auto arguments = pointersTo(command);
  auto variables = pointersTo(environment);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(pipe[1], STDOUT_FILENO);
    if (inherited >= 0) ::fcntl(inherited, F_SETFD, 0);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  output_ = pipe[0];
}

Program::~Program() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::close(output_);
}

std::string Program::firstLine() {
  std::string line;
  char c = 0;
  while (::read(output_, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

Gateway::Gateway(std::vector<std::string> behaviours, const std::filesystem::path& certificate)
    : program_(commandOf(folder_, behaviours, certificate), {}, -1) {
  std::string line = program_.firstLine();
  if (line.empty()) throw std::runtime_error("the gateway did not start");
  port_ = static_cast<std::uint16_t>(std::stoi(line));
}

std::vector<nlohmann::json> Gateway::requests() const { return jsonLinesOf(folder_.path / "requests"); }

std::size_t Gateway::connections() const {
  std::set<int> seen;
  for (auto& request : requests()) seen.insert(request["connection"].get<int>());
  return seen.size();
}

HttpProxy::HttpProxy(const std::string& user, int resetAfter)
    : program_({"/usr/bin/python3", SMSD_PEERS "/http-proxy.py", "--record", folder_.path / "asked", "--user",
                user, "--reset-after", std::to_string(resetAfter)},
               {}, -1) {
  std::string line = program_.firstLine();
  if (line.empty()) throw std::runtime_error("the proxy did not start");
  port_ = static_cast<std::uint16_t>(std::stoi(line));
}

std::vector<std::string> HttpProxy::asked() const {
  std::vector<std::string> lines;
  std::ifstream file(folder_.path / "asked");
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

bool SoapServer::isInstalled() {
  return std::system("php -r 'exit(class_exists(\"SoapServer\") ? 0 : 1);' >/dev/null 2>&1") == 0;
}

// It says where it listens on its standard error.
SoapServer::SoapServer()
    : program_({"/bin/sh", "-c", "exec php -S 127.0.0.1:0 '" SMSD_PEERS "/soap-server.php' 2>&1"},
               {"SOAP_RECORD=" + (folder_.path / "calls").string(), "PATH=/usr/bin:/bin"}, -1) {
  std::string line = program_.firstLine();
  std::size_t at = line.find("127.0.0.1:");
  if (at == std::string::npos) throw std::runtime_error("PHP did not start: " + line);
  port_ = static_cast<std::uint16_t>(std::stoi(line.substr(at + 10)));
}

std::vector<nlohmann::json> SoapServer::calls() const { return jsonLinesOf(folder_.path / "calls"); }

Providers::Providers()
    : program_({"/usr/bin/python3", SMSD_PEERS "/providers.py", "--record", folder_.path / "taken"}, {}, -1) {
  std::string line = program_.firstLine();
  if (line.empty()) throw std::runtime_error("the gateways did not start");
  port_ = static_cast<std::uint16_t>(std::stoi(line));
}

std::vector<nlohmann::json> Providers::taken() const { return jsonLinesOf(folder_.path / "taken"); }

bool Nginx::isInstalled() { return std::filesystem::exists("/usr/sbin/nginx"); }

// nginx takes over a listening socket that its variable names, as it does from its former self at an upgrade.
// So the system chooses the port, and connections wait in the socket until nginx is there.
Nginx::Nginx(const Settings& settings) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 1024) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no listening socket");
  port_ = ntohs(address.sin_port);
  std::string place = folder_.path;
  write(folder_.path / "nginx.conf", configuration(settings));
  program_ = std::make_unique<Program>(std::vector<std::string>{"/usr/sbin/nginx", "-e", place + "/error",
                                                                "-p", place, "-c", place + "/nginx.conf"},
                                       std::vector<std::string>{"NGINX=" + std::to_string(fd) + ";"}, fd);
  ::close(fd);
}

std::string Nginx::configuration(const Settings& settings) const {
  std::string place = folder_.path;
  std::string text = "daemon off; user root; worker_processes 1; pid " + place + "/pid; error_log " + place +
                     "/error;\nevents { worker_connections 1024; }\nhttp {\n";
  for (std::string kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    text += kind + "_temp_path " + place + "/" + kind + ";\n";
  std::string log = settings.log == Log::on ? place + "/access connection" : "off";
  if (settings.keepalive > 0) text += "keepalive_requests " + std::to_string(settings.keepalive) + ";\n";
  text += "log_format connection '$connection $http_idempotency_key';\naccess_log " + log +
          ";\nserver { listen 127.0.0.1:" + std::to_string(port_);
  if (!settings.certificate.empty()) {
    text += " ssl http2; ssl_certificate " + settings.certificate.string() + "; ssl_certificate_key " +
            settings.certificate.string() + "; ssl_protocols " + settings.tls;
    if (!settings.clientAuthority.empty())
      text += "; ssl_verify_client on; ssl_client_certificate " + settings.clientAuthority.string();
  }
  std::string login;
  if (!settings.user.empty()) {
    std::size_t colon = settings.user.find(':');
    write(folder_.path / "users",
          settings.user.substr(0, colon) + ":{PLAIN}" + settings.user.substr(colon + 1) + "\n");
    login = "auth_basic sms; auth_basic_user_file " + place + "/users; ";
  }
  // `return` would answer before anybody is asked who he is.
  write(folder_.path / "answer", "ok\n");
  std::string page = settings.user.empty()
                         ? "return 200 \"$ssl_client_s_dn $server_protocol $ssl_protocol\"; "
                         : "root " + place + "; try_files /answer =404; ";
  return text + "; location / { " + login + page + "} }\n}\n";
}

std::vector<std::size_t> Nginx::requestsOf(Column column) {
  program_.reset();
  std::map<std::string, std::size_t> counts;
  std::ifstream log(folder_.path / "access");
  for (std::string connection, key; log >> connection >> key;)
    ++counts[column == Column::connection ? connection : key];
  std::vector<std::size_t> result;
  for (auto& [value, count] : counts) result.push_back(count);
  return result;
}

Certificates::Certificates() {
  auto place = folder_.path.string();
  write(folder_.path / "ca.cnf",
        "[ca]\ndefault_ca = test\n[test]\ndatabase = " + place + "/index\nnew_certs_dir = " + place +
            "\nrand_serial = yes\ndefault_md = sha256\npolicy = any\ncopy_extensions = copy\n"
            "unique_subject = no\n[any]\ncommonName = supplied\n[req]\ndistinguished_name = dn\n"
            "[dn]\n[v3_ca]\nbasicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = hash\n");
  write(folder_.path / "index", "");
  std::string make =
      "cd " + place +
      " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt "
      "-days 2 -subj /CN=throw-away -config ca.cnf -extensions v3_ca 2>log";
  if (std::system(make.c_str()) != 0) throw std::runtime_error(contentOf(folder_.path / "log"));
  sign("good", "DNS:localhost,IP:127.0.0.1", "-days 2");
  sign("expired", "DNS:localhost,IP:127.0.0.1", "-startdate 20000101000000Z -enddate 20010101000000Z");
  sign("elsewhere", "DNS:elsewhere.example", "-days 2");
  sign("client", "DNS:worker.example", "-days 2");
}

void Certificates::sign(const std::string& name, const std::string& subjectAltName,
                        const std::string& validity) {
  std::string make =
      "cd " + folder_.path.string() +
      " && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + name + ".key -out " +
      name + ".csr -subj /CN=" + name + " -addext subjectAltName=" + subjectAltName +
      " -config ca.cnf 2>log && openssl ca -batch -notext -config ca.cnf -cert ca.crt -keyfile ca.key -in " +
      name + ".csr -out " + name + ".crt " + validity + " 2>>log && cat " + name + ".crt " + name + ".key >" +
      name + ".pem";
  if (std::system(make.c_str()) != 0) throw std::runtime_error(contentOf(folder_.path / "log"));
}

std::string Certificates::authority() const { return contentOf(authorityFile()); }

}  // namespace smsd::test
