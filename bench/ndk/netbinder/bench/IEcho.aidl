package netbinder.bench;

interface IEcho {
  String echo(String text);
  byte[] bytes(in byte[] bytes);
}
