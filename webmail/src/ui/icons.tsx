// The icons, drawn from lucide's shapes. Decoration only: what they mean is said by the button that holds them.

import { h } from "preact";
import archive from "lucide-static/icons/archive.svg";
import arrow from "lucide-static/icons/arrow-right.svg";
import bold from "lucide-static/icons/bold.svg";
import check from "lucide-static/icons/check.svg";
import chevronDown from "lucide-static/icons/chevron-down.svg";
import back from "lucide-static/icons/arrow-left.svg";
import copy from "lucide-static/icons/copy.svg";
import clock from "lucide-static/icons/clock.svg";
import close from "lucide-static/icons/x.svg";
import download from "lucide-static/icons/download.svg";
import drafts from "lucide-static/icons/file-pen-line.svg";
import eye from "lucide-static/icons/eye.svg";
import eyeOff from "lucide-static/icons/eye-off.svg";
import file from "lucide-static/icons/file.svg";
import filter from "lucide-static/icons/list-filter.svg";
import folder from "lucide-static/icons/folder.svg";
import forward from "lucide-static/icons/forward.svg";
import grip from "lucide-static/icons/grip-vertical.svg";
import help from "lucide-static/icons/circle-question-mark.svg";
import image from "lucide-static/icons/image.svg";
import inbox from "lucide-static/icons/inbox.svg";
import italic from "lucide-static/icons/italic.svg";
import junk from "lucide-static/icons/circle-alert.svg";
import label from "lucide-static/icons/tag.svg";
import link from "lucide-static/icons/link.svg";
import list from "lucide-static/icons/list.svg";
import listOrdered from "lucide-static/icons/list-ordered.svg";
import logout from "lucide-static/icons/log-out.svg";
import maximise from "lucide-static/icons/maximize-2.svg";
import menu from "lucide-static/icons/menu.svg";
import minus from "lucide-static/icons/minus.svg";
import moon from "lucide-static/icons/moon.svg";
import more from "lucide-static/icons/ellipsis.svg";
import paperclip from "lucide-static/icons/paperclip.svg";
import phone from "lucide-static/icons/smartphone.svg";
import pen from "lucide-static/icons/pencil.svg";
import plus from "lucide-static/icons/plus.svg";
import quote from "lucide-static/icons/text-quote.svg";
import read from "lucide-static/icons/mail-open.svg";
import removeFormatting from "lucide-static/icons/remove-formatting.svg";
import reply from "lucide-static/icons/reply.svg";
import replyAll from "lucide-static/icons/reply-all.svg";
import search from "lucide-static/icons/search.svg";
import send from "lucide-static/icons/send.svg";
import server from "lucide-static/icons/server.svg";
import settings from "lucide-static/icons/settings.svg";
import shield from "lucide-static/icons/shield.svg";
import star from "lucide-static/icons/star.svg";
import sun from "lucide-static/icons/sun.svg";
import trash from "lucide-static/icons/trash-2.svg";
import underline from "lucide-static/icons/underline.svg";
import unread from "lucide-static/icons/mail.svg";
import user from "lucide-static/icons/circle-user.svg";
import warn from "lucide-static/icons/triangle-alert.svg";

const shapes = {
	archive, arrow, back, bold, check, chevronDown, clock, close, copy, download, drafts, eye, eyeOff, file, filter, folder, forward, grip, help, image,
	inbox, italic, junk, label, link, list, listOrdered, logout, maximise, menu, minus, moon, more, paperclip, pen, phone, plus, quote, read,
	removeFormatting, reply, replyAll, search, send, server, settings, shield, star, sun, trash, underline, unread, user, warn,
};

export type IconName = keyof typeof shapes;

// What points somewhere points the other way where one reads from right to left.
const turning = new Set<IconName>(["arrow", "back", "drafts", "forward", "list", "listOrdered", "logout", "quote", "reply", "replyAll", "send"]);

export function Icon({ name, filled }: { name: IconName; filled?: boolean }) {
	return (
		<svg class={`icon ${filled ? "filled" : ""} ${turning.has(name) ? "turning" : ""}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
			{shapes[name].map(([tag, attributes], i) => h(tag, { key: i, ...attributes }))}
		</svg>
	);
}
