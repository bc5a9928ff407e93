// Mono: System.Web.Services as client, the messages of WCF as reader and server.
// Frames on standard input and output: see tests/interop/peer_processes.py.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.Text;
using System.Web.Services;
using System.Web.Services.Description;
using System.Web.Services.Protocols;
using System.Xml;
using System.Xml.Serialization;
using Message = System.ServiceModel.Channels.Message;

public static class Names {
    public const string Xmla = "urn:schemas-microsoft-com:xml-analysis";
    public static readonly string[] Blocks = { "BeginSession", "Session", "EndSession" };
}

[XmlRoot("BeginSession", Namespace = Names.Xmla)]
public class BeginSession : SoapHeader { }

[XmlRoot("Session", Namespace = Names.Xmla)]
public class Session : SoapHeader {
    [XmlAttribute] public string SessionId;
}

[XmlRoot("EndSession", Namespace = Names.Xmla)]
public class EndSession : SoapHeader {
    [XmlAttribute] public string SessionId;
}

public class Command {
    public string Statement;
}

public class Anything {
    [XmlAnyElement] public XmlElement[] Any;
}

[WebServiceBinding("Binding", Names.Xmla)]
public class Client : SoapHttpClientProtocol {
    public BeginSession Begin;
    public Session Current;
    public EndSession End;

    [SoapDocumentMethod(Names.Xmla + ":Execute", RequestNamespace = Names.Xmla, ResponseNamespace = Names.Xmla,
        Use = SoapBindingUse.Literal, ParameterStyle = SoapParameterStyle.Wrapped)]
    [SoapHeader("Begin", Direction = SoapHeaderDirection.In)]
    [SoapHeader("Current", Direction = SoapHeaderDirection.InOut)]
    [SoapHeader("End", Direction = SoapHeaderDirection.In)]
    [return: XmlElement("return")]
    public Anything Execute(Command Command, Anything Properties) {
        return (Anything) Invoke("Execute", new object[] { Command, Properties })[0];
    }
}

// A header block with its id in an attribute.
public class Block : MessageHeader {
    readonly string id;

    public Block(string id) { this.id = id; }
    public override string Name { get { return "Session"; } }
    public override string Namespace { get { return Names.Xmla; } }

    protected override void OnWriteHeaderContents(XmlDictionaryWriter writer, MessageVersion version) {
        writer.WriteAttributeString("SessionId", id);
    }
}

public class Response : BodyWriter {
    public Response() : base(true) { }

    protected override void OnWriteBodyContents(XmlDictionaryWriter writer) {
        writer.WriteStartElement("ExecuteResponse", Names.Xmla);
        writer.WriteElementString("return", Names.Xmla, "");
        writer.WriteEndElement();
    }
}

public class Error {
    [XmlAttribute] public string ErrorCode;
}

public static class Peer {
    static readonly MessageEncoder encoder =
        new TextMessageEncodingBindingElement(MessageVersion.Soap11, new UTF8Encoding(false)) {
            ReaderQuotas = XmlDictionaryReaderQuotas.Max
        }.CreateMessageEncoderFactory().Encoder;

    static Stream input, output;

    static byte[] Take(int size) {
        var data = new byte[size];
        for (int have = 0; have < size; ) {
            int more = input.Read(data, have, size - have);
            if (more == 0) Environment.Exit(0);
            have += more;
        }
        return data;
    }

    static int Number() { return IPAddress.NetworkToHostOrder(BitConverter.ToInt32(Take(4), 0)); }
    static byte[] Bytes(string text) { return Encoding.UTF8.GetBytes(text); }
    static byte[] Bytes(int number) { return BitConverter.GetBytes(IPAddress.HostToNetworkOrder(number)); }

    public static void Main() {
        input = Console.OpenStandardInput();
        output = Console.OpenStandardOutput();
        while (true) {
            var fields = new List<byte[]>();
            for (int count = Number(); count > 0; count--) fields.Add(Take(Number()));
            List<byte[]> reply;
            try {
                reply = Answer(fields);
            } catch (Exception error) {
                reply = new List<byte[]> { Bytes("error"), Bytes(error.GetType() + ": " + error.Message) };
            }
            var frame = new MemoryStream();
            frame.Write(Bytes(reply.Count), 0, 4);
            foreach (var field in reply) {
                frame.Write(Bytes(field.Length), 0, 4);
                frame.Write(field, 0, field.Length);
            }
            frame.WriteTo(output);
            output.Flush();
        }
    }

    static List<byte[]> Answer(List<byte[]> fields) {
        var texts = fields.Skip(2).Select(field => Encoding.UTF8.GetString(field)).ToList();
        switch (Encoding.UTF8.GetString(fields[0])) {
            case "read":
                var found = new List<byte[]> { Bytes("200"), Bytes("") };
                found.AddRange(Read(fields[1]).Select(Bytes));
                return found;
            case "serve":
                return Serve(fields[1], texts[0], texts.Skip(1).ToList());
            default:
                return Call(Encoding.UTF8.GetString(fields[1]), texts[0], texts[1], texts[2]).Select(Bytes).ToList();
        }
    }

    static List<string> Read(byte[] data) {
        var found = new List<string>();
        var message = encoder.ReadMessage(new MemoryStream(data), 65536, "text/xml");
        foreach (var name in Names.Blocks) {
            int place = message.Headers.FindHeader(name, Names.Xmla);
            if (place < 0) continue;
            using (var reader = message.Headers.GetReaderAtHeader(place)) {
                string id = reader.GetAttribute("SessionId");
                found.Add(name);
                found.Add(id == null ? "" : "=" + id);
            }
        }
        return found;
    }

    static List<byte[]> Serve(byte[] data, string granted, List<string> known) {
        var seen = Read(data);
        var name = seen.Count == 0 ? "" : seen[0];
        Message answer;
        string status = "200";
        if (name.EndsWith("Session") && name != "BeginSession" && !known.Contains(seen[1].Substring(1))) {
            status = "500";
            var fault = MessageFault.CreateFault(
                new FaultCode("XMLAnalysisError.0xc10c000a"),
                new FaultReason("Session '" + seen[1].Substring(1) + "' cannot be found"));
            answer = Message.CreateMessage(MessageVersion.Soap11, fault, "");
        } else {
            answer = Message.CreateMessage(MessageVersion.Soap11, "", new Response());
            if (name == "BeginSession") answer.Headers.Add(new Block(granted));
        }
        // It belongs to another version of SOAP: WCF writes it as a header block.
        answer.Headers.Action = null;
        var stream = new MemoryStream();
        encoder.WriteMessage(answer, stream);
        var reply = new List<byte[]> { Bytes(status), stream.ToArray() };
        reply.AddRange(seen.Select(Bytes));
        return reply;
    }

    static string[] Call(string url, string name, string id, string must) {
        var client = new Client { Url = url, Timeout = 20000, Proxy = new WebProxy() };
        bool marked = must != "";
        string written = id == "" ? null : id.Substring(1);
        if (name == "BeginSession") client.Begin = new BeginSession { MustUnderstand = marked };
        var sent = name == "Session" ? new Session { SessionId = written, MustUnderstand = marked } : null;
        client.Current = sent;
        if (name == "EndSession") client.End = new EndSession { SessionId = written, MustUnderstand = marked };
        try {
            client.Execute(new Command { Statement = "" }, new Anything());
        } catch (SoapException fault) {
            var error = fault.Detail == null ? null : fault.Detail.SelectSingleNode("//*[local-name() = 'Error']/@ErrorCode");
            return new[] { "fault", fault.Code.Name, fault.Message, error == null ? "" : error.Value };
        }
        return new[] { "answer", client.Current == sent ? "" : "=" + client.Current.SessionId };
    }
}
