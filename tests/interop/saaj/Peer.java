// SAAJ as client and server. Frames on standard input and output: see tests/interop/peer_processes.py.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import javax.xml.namespace.QName;
import javax.xml.soap.Detail;
import javax.xml.soap.MessageFactory;
import javax.xml.soap.MimeHeaders;
import javax.xml.soap.SOAPConnectionFactory;
import javax.xml.soap.SOAPElement;
import javax.xml.soap.SOAPException;
import javax.xml.soap.SOAPFault;
import javax.xml.soap.SOAPHeader;
import javax.xml.soap.SOAPHeaderElement;
import javax.xml.soap.SOAPMessage;

public final class Peer {
    static final String XMLA = "urn:schemas-microsoft-com:xml-analysis";
    static final List<String> NAMES = Arrays.asList("BeginSession", "Session", "EndSession");
    static MessageFactory factory;

    public static void main(String[] arguments) throws Exception {
        factory = MessageFactory.newInstance();
        DataInputStream in = new DataInputStream(System.in);
        DataOutputStream out = new DataOutputStream(System.out);
        try {
            while (true) {
                List<byte[]> fields = new ArrayList<>();
                for (int count = in.readInt(); count > 0; count--) {
                    byte[] field = new byte[in.readInt()];
                    in.readFully(field);
                    fields.add(field);
                }
                List<byte[]> reply = answer(fields);
                ByteArrayOutputStream frame = new ByteArrayOutputStream();
                DataOutputStream writer = new DataOutputStream(frame);
                writer.writeInt(reply.size());
                for (byte[] field : reply) {
                    writer.writeInt(field.length);
                    writer.write(field);
                }
                frame.writeTo(out);
                out.flush();
            }
        } catch (EOFException end) {
            return;
        }
    }

    static List<byte[]> answer(List<byte[]> fields) {
        try {
            List<String> rest = new ArrayList<>();
            for (byte[] field : fields.subList(2, fields.size())) {
                rest.add(new String(field, StandardCharsets.UTF_8));
            }
            switch (new String(fields.get(0), StandardCharsets.UTF_8)) {
                case "read":
                    List<byte[]> found = texts("200", "");
                    found.addAll(read(message(fields.get(1))));
                    return found;
                case "serve":
                    return serve(message(fields.get(1)), rest);
                default:
                    return call(new String(fields.get(1), StandardCharsets.UTF_8), rest);
            }
        } catch (Exception error) {
            return texts("error", error.toString());
        }
    }

    static List<byte[]> texts(String... values) {
        List<byte[]> found = new ArrayList<>();
        for (String value : values) {
            found.add(value.getBytes(StandardCharsets.UTF_8));
        }
        return found;
    }

    static SOAPMessage message(byte[] data) throws SOAPException, IOException {
        MimeHeaders headers = new MimeHeaders();
        headers.addHeader("Content-Type", "text/xml");
        return factory.createMessage(headers, new ByteArrayInputStream(data));
    }

    static List<byte[]> read(SOAPMessage message) throws SOAPException {
        List<byte[]> found = new ArrayList<>();
        message.getSOAPBody();
        SOAPHeader header = message.getSOAPHeader();
        if (header == null) {
            return found;
        }
        for (Iterator<?> blocks = header.examineAllHeaderElements(); blocks.hasNext(); ) {
            SOAPHeaderElement block = (SOAPHeaderElement) blocks.next();
            QName name = block.getElementQName();
            if (name.getNamespaceURI().equals(XMLA) && NAMES.contains(name.getLocalPart())) {
                String id = block.getAttributeValue(new QName("SessionId"));
                found.addAll(texts(name.getLocalPart(), id == null ? "" : "=" + id));
            }
        }
        return found;
    }

    static List<byte[]> serve(SOAPMessage request, List<String> rest) throws SOAPException, IOException {
        List<byte[]> seen = read(request);
        String name = seen.isEmpty() ? "" : new String(seen.get(0), StandardCharsets.UTF_8);
        String id = seen.isEmpty() ? "" : new String(seen.get(1), StandardCharsets.UTF_8);
        String status = "200";
        SOAPMessage answer = factory.createMessage();
        if (name.endsWith("Session") && !name.equals("BeginSession") && !rest.subList(1, rest.size()).contains(id.substring(1))) {
            status = "500";
            SOAPFault fault = answer.getSOAPBody().addFault();
            fault.setFaultString("Session '" + id.substring(1) + "' cannot be found");
            // SAAJ writes only a faultcode with a namespace by itself.
            fault.getElementsByTagName("faultcode").item(0).setTextContent("XMLAnalysisError.0xc10c000a");
            Detail detail = fault.addDetail();
            detail.addDetailEntry(new QName("Error")).setAttribute("ErrorCode", "3238789130");
        } else {
            if (name.equals("BeginSession")) {
                block(answer, "Session", rest.get(0), false);
            }
            SOAPElement method = answer.getSOAPBody().addBodyElement(new QName(XMLA, "ExecuteResponse"));
            method.addChildElement(new QName(XMLA, "return"));
        }
        List<byte[]> reply = texts(status);
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        answer.writeTo(data);
        reply.add(data.toByteArray());
        reply.addAll(seen);
        return reply;
    }

    static void block(SOAPMessage message, String name, String id, boolean must) throws SOAPException {
        SOAPHeaderElement block = message.getSOAPHeader().addHeaderElement(new QName(XMLA, name));
        block.setMustUnderstand(must);
        if (id != null) {
            block.addAttribute(new QName("SessionId"), id);
        }
    }

    static List<byte[]> call(String url, List<String> rest) throws SOAPException, IOException {
        SOAPMessage request = factory.createMessage();
        String name = rest.get(0);
        if (!name.isEmpty()) {
            String id = name.equals("BeginSession") ? null : rest.get(1).substring(1);
            block(request, name, id, !rest.get(2).isEmpty());
        }
        SOAPElement method = request.getSOAPBody().addBodyElement(new QName(XMLA, "Execute"));
        method.addChildElement(new QName(XMLA, "Command")).addChildElement(new QName(XMLA, "Statement"));
        method.addChildElement(new QName(XMLA, "Properties"));
        request.getMimeHeaders().setHeader("SOAPAction", "\"" + XMLA + ":Execute\"");
        SOAPMessage answer = SOAPConnectionFactory.newInstance().createConnection().call(request, new URL(url));
        SOAPFault fault = answer.getSOAPBody().getFault();
        if (fault == null) {
            List<byte[]> found = read(answer);
            List<byte[]> reply = texts("answer");
            reply.add(found.isEmpty() ? new byte[0] : found.get(1));
            return reply;
        }
        String error = "";
        if (fault.getDetail() != null) {
            for (Iterator<?> entries = fault.getDetail().getDetailEntries(); entries.hasNext(); ) {
                error = ((SOAPElement) entries.next()).getAttribute("ErrorCode");
            }
        }
        return texts("fault", fault.getFaultCode(), fault.getFaultString(), error);
    }
}
