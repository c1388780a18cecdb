/** The host page: sign in with a one-use link, join, run the show. */

import { type Client, connect } from "@sdk";
import { render } from "preact";
import { roomOfPage, redeem, type SignIn, signIn, signOut } from "../shared/session";
import { strings } from "../shared/strings";
import "../shared/base.css";
import "./host.css";
import { Door } from "./door";
import { Panel } from "./panel";

const room = roomOfPage();
const root = document.getElementById("page") as HTMLElement;
document.title = `${strings.hostPage.brand} · ${room}`;

function open(session: SignIn): void {
  if (session.kind === "token") {
    const client: Client = connect({ url: `${location.origin}/v1/ws`, room, token: session.token });
    const leave = () => {
      signOut(room);
      client.close();
      open({ kind: "none" });
    };
    client.on("status", (status) => status.kind === "closed" && status.code.startsWith("token_") && leave());
    render(<Panel client={client} room={room} onSignOut={leave} />, root);
  } else {
    const again = session.kind === "away" ? () => void redeem(room, session.ticket).then(open) : undefined;
    render(<Door kind={session.kind} {...(again && { onAgain: again })} />, root);
  }
}

void signIn(room).then(open);
