// SPDX-License-Identifier: GPL-3.0-or-later
// The envelope of a call, and what is read from an answer's: whatever it holds.
#include "workers/soap/envelope.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "tests/workers/soap-answer.h"
#include "workers/soap/multipart.h"

namespace smsd::soap {
namespace {

using test::enveloped;

std::string read(const std::string& xml, std::string_view result = "") {
  auto answer = readAnswer(xml, result);
  return answer ? answer->dump() : "none";
}

TEST(Soap, BuildsACallThatNoValueBreaksOutOf) {
  std::string envelope =
      envelopeOf("send", "urn:a\"&b", {{.name = "t", .type = "string", .value = "<x> {text}"}});
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(envelope.c_str()));
  auto call = document.child("SOAP-ENV:Envelope").child("SOAP-ENV:Body").child("m:send");
  EXPECT_EQ(std::string(call.attribute("xmlns:m").value()), "urn:a\"&b");
  EXPECT_EQ(std::string(call.child("t").text().get()), "<x> {text}");
  EXPECT_EQ(std::string(call.child("t").attribute("xsi:type").value()), "xsd:string");
}

TEST(Soap, ReadsValuesWhereTheyStand) {
  EXPECT_EQ(read(enveloped("<r><a>17</a><b> x\ny </b></r>")),
            R"({"result":"17","values":{"a":"17","b":" x\ny "}})");
  EXPECT_EQ(read(enveloped("<r><a>17</a><n:b xmlns:n='urn:n'>18</n:b></r>"), "b"),
            R"({"result":"18","values":{"a":"17","b":"18"}})");
  EXPECT_EQ(read(enveloped("<r><a href='#i'/></r><m id='i'>19</m>")),
            R"({"result":"19","values":{"a":"19"}})");
  EXPECT_EQ(read(enveloped("<r><a href='#i'/></r><m id='i' href='#i'/>")),
            R"({"result":"","values":{"a":""}})");
  EXPECT_EQ(read(enveloped("<r><a xsi:nil='1'>x</a><b><c>1</c></b></r>")),
            R"({"result":null,"values":{"a":null,"b":{"c":"1"}}})");
  EXPECT_EQ(read(enveloped("<r/>")), R"({"values":{}})");
  EXPECT_EQ(read("<br />\n<b>Notice</b>: x<br />\n<?xml version='1.0'?>" + enveloped("<r><a>17</a></r>")),
            R"({"result":"17","values":{"a":"17"}})");
  EXPECT_EQ(read(enveloped("<r><a>17</a></r>"), "none"), R"({"values":{"a":"17"}})");
}

TEST(Soap, ReadsPartsOfValuesWhereTheyStand) {
  EXPECT_EQ(read(enveloped("<r><ret><code>7</code><msg>bad login</msg></ret></r>")),
            R"({"result":{"code":"7","msg":"bad login"},"values":{"ret":{"code":"7","msg":"bad login"}}})");
  EXPECT_EQ(
      read(enveloped("<r><a>1</a><b><c>2</c><c><d>3</d></c><c xsi:nil='1'/></b><a>4</a></r>"), "b"),
      R"({"result":{"c":["2",{"d":"3"},null]},"values":{"a":["1","4"],"b":{"c":["2",{"d":"3"},null]}}})");
  // Axis gives what has parts a place of its own.
  EXPECT_EQ(read(enveloped("<r><a href='#i'/></r><m id='i'><c href='#j'/></m><m id='j'>19</m>")),
            R"({"result":{"c":"19"},"values":{"a":{"c":"19"}}})");
}

TEST(Soap, AnArrayIsAListHoweverManyItHas) {
  for (auto [items, list] : {std::pair("", "[]"), std::pair("<item>1</item>", "[\"1\"]"),
                             std::pair("<item>1</item><item><c>2</c></item>", "[\"1\",{\"c\":\"2\"}]")}) {
    std::string xml =
        std::string("<r><a xmlns:E='http://schemas.xmlsoap.org/soap/encoding/' E:arrayType='x'>") + items +
        "</a></r>";
    EXPECT_EQ(read(enveloped(xml)), std::string("{\"result\":") + list + ",\"values\":{\"a\":" + list + "}}");
  }
}

TEST(Soap, ReadsFaultsWithoutTheSendersPrefix) {
  EXPECT_EQ(
      read(enveloped(
          "<e:Fault><faultcode>x:Client.Auth</faultcode><faultstring>no &lt;b&gt;</faultstring></e:Fault>")),
      R"({"fault":{"code":"Client.Auth","text":"no <b>"}})");
  EXPECT_EQ(read(enveloped("<e:Fault/>")), R"({"fault":{"code":"","text":""}})");
  EXPECT_EQ(read(enveloped("<Fault><faultcode>Client</faultcode></Fault>")),
            R"({"result":"Client","values":{"faultcode":"Client"}})")
      << "a method of that name in no namespace";
}

TEST(Soap, ReadsAnswersAndFaultsOfSoap12) {
  auto enveloped12 = [](const std::string& content) {
    return "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body>" + content +
           "</e:Body></e:Envelope>";
  };
  EXPECT_EQ(read(enveloped12("<r><a>17</a></r>")), R"({"result":"17","values":{"a":"17"}})");
  EXPECT_EQ(read(enveloped12("<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason>"
                             "<e:Text xml:lang='en'>no such number</e:Text></e:Reason></e:Fault>")),
            R"({"fault":{"code":"Sender","text":"no such number"}})");
}

std::string root(std::string body, const std::string& type) {
  for (std::size_t at = 0; (at = body.find('\n', at)) != std::string::npos; at += 2)
    body.replace(at, 1, "\r\n");
  auto part = rootPart(body, type);
  return part ? part->contentType + "|" + std::string(part->content) : "none";
}

TEST(Soap, FindsTheEnvelopeAmongAttachments) {
  const std::string related = "multipart/related; type=\"application/xop+xml\"; boundary=\"b 1\"";
  const std::string body =
      "preamble\n--b 1\nContent-ID: <pic>\nContent-Type: image/png\n\n--b 1x\n"
      "\n--b 1\ncontent-type: application/xop+xml;\n charset=ISO-8859-1\nContent-Id: <root@x>\n"
      "Content-Transfer-Encoding: binary\n\n<a>\n</a>\n--b 1--\nepilogue";
  EXPECT_EQ(root(body, related + "; start=\"<root@x>\""),
            "application/xop+xml; charset=ISO-8859-1|<a>\r\n</a>");
  EXPECT_EQ(root(body, related).substr(0, 10), "image/png|") << "the first where none is named";
  EXPECT_EQ(root(body, related + "; start=\"<other>\""), "none");
  EXPECT_EQ(root("--b\n\n<a/>\n--b--", "multipart/related; boundary=b"), "|<a/>");
  EXPECT_EQ(root("--b\n\n<a/>\n--b--", "text/xml"), "|<a/>") << "its first line says it";
  EXPECT_EQ(root("--b\nContent-Transfer-Encoding: base64\n\nPGEvPg==\n--b--", ""), "none");
  EXPECT_EQ(root("<a/>", "text/xml"), "none");
  EXPECT_EQ(root("--b \t\n\n<a/>\n--b-- \n", "multipart/related; boundary=b"), "|<a/>");
  for (auto broken : {"", "--", "--b", "--b--", "--b\n", "--b\nx", "--b\n\n", "\n\n--b\n\n"})
    (void)root(broken, "multipart/related; boundary=b");
}

// RFC 2046, 5.1.1: a delimiter is a whole line.
TEST(Soap, TakesNoLineForADelimiterThatOnlyBeginsLikeOne) {
  const std::string type = "multipart/related; boundary=abc; start=\"<root>\"";
  for (std::string inner : {"abcdef", "abc-", "abc--x", "abc 1"}) {
    const std::string nested = "--" + inner + "\nContent-ID: <root>\n\n<inner/>\n--" + inner + "--\n";
    EXPECT_EQ(root("--abc\nContent-Type: multipart/mixed; boundary=\"" + inner + "\"\n\n" + nested +
                       "--abc\nContent-ID: <root>\n\n<outer/>\n--abc--",
                   type),
              "|<outer/>")
        << inner;
    EXPECT_EQ(root(nested + "--abc\nContent-ID: <root>\n\n<outer/>\n--abc--", type), "|<outer/>")
        << inner << " in the preamble";
  }
}

TEST(Soap, ReadsNothingElse) {
  for (std::string xml :
       {"", "x", "<a/>", "<Envelope><Body><r/></Body></Envelope>", "<e:Envelope/>",
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><Body><r/></Body></e:Envelope>"})
    EXPECT_EQ(read(xml), "none") << xml;
  EXPECT_EQ(read(enveloped("")), "none");
  EXPECT_EQ(read("<!DOCTYPE a [<!ENTITY k 'v'>]>" + enveloped("<r><a>&k;</a></r>")), "none");
}

TEST(Soap, ReadsNoAnswerThatMayContradictItself) {
  const std::string ok = "<r><result>1</result></r>",
                    fault = "<e:Fault><faultcode>Server</faultcode></e:Fault>";
  const std::string one = enveloped(ok);
  EXPECT_EQ(read(one + enveloped(fault)), "none");
  EXPECT_EQ(read(enveloped(ok + fault)), "none");
  EXPECT_EQ(read(enveloped(ok + "</e:Body><e:Body>" + fault)), "none");
  EXPECT_EQ(read(enveloped(fault + ok)), R"({"fault":{"code":"Server","text":""}})");
  EXPECT_EQ(read(enveloped("<r><result>1</result><result>0</result></r>")),
            R"({"result":["1","0"],"values":{"result":["1","0"]}})")
      << "a list is no result";
  std::string many;
  for (int i = 0; i < 300; ++i) many += "<v/>";
  auto answer = readAnswer(enveloped("<r><result>1</result>" + many + "<result>0</result></r>"), "result");
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)["result"].dump(), R"(["1"])") << "the second one is beyond the bound on values";
}

TEST(Soap, SurvivesAnswersThatAreMadeToBreakIt) {
  std::string deep, attributes;
  for (int i = 0; i < 15'000; ++i) deep += "<a>";
  for (int i = 0; i < 5'000; ++i) attributes += " a" + std::to_string(i) + "=''";
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "<v" + std::to_string(i) + ">1</v" + std::to_string(i) + ">";
  EXPECT_FALSE(readAnswer(deep, ""));
  EXPECT_FALSE(readAnswer(enveloped(deep), ""));
  EXPECT_TRUE(readAnswer(enveloped("<r" + attributes + "><a>1</a></r>"), ""));
  auto answer = readAnswer(enveloped("<r>" + many + "</r>"), "");
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)["values"].size(), 256U);
  std::string same;
  for (int i = 0; i < 5'000; ++i) same += "<v>1</v>";
  answer = readAnswer(enveloped("<r><a>" + same + "</a></r>"), "");
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)["values"]["a"]["v"].size(), 255U);
  // Each holds itself, twice.
  answer = readAnswer(enveloped("<r><a href='#i'/></r><m id='i'><b href='#i'/><c href='#i'/></m>"), "");
  ASSERT_TRUE(answer);
  std::string chain;
  for (int i = 0; i < 100; ++i) chain += "<a>";
  for (int i = 0; i < 100; ++i) chain += "</a>";
  EXPECT_EQ(read(enveloped("<r>" + chain + "</r>"))
                .find("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\""),
            std::string::npos);
  for (std::size_t cut = 0; cut < 200; ++cut)
    (void)readAnswer(enveloped("<r><a>17</a></r>").substr(0, cut), "");
}

}  // namespace
}  // namespace smsd::soap
