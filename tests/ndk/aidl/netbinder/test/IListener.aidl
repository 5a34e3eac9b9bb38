package netbinder.test;

interface IListener {
  oneway void said(String who, int number);
  int add(int a, int b);
}
